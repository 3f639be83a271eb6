"""Metrics for operators, in Prometheus' format: of the wire and of the models behind it, never of callers or of
people.
"""

from __future__ import annotations

from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from regard.jobs.desk import Desk
from regard.jobs.notices import Notices
from regard.ledger.witnesses.cosigning import Collector
from regard.streams.streams import Streams
from regard.wire.pool import Pool

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
disable_created_metrics()  # type: ignore[no-untyped-call]
_LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one process. No label says who called or who was pictured."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "regard_requests", "Requests answered.", ("operation", "code"), registry=self._registry
        )
        self._latency = Histogram(
            "regard_request_seconds",
            "From the head of a request to the end of its answer.",
            ("operation",),
            buckets=_LATENCIES,
            registry=self._registry,
        )
        self._model = Counter(
            "regard_model_seconds",
            "Time spent in models, all workers together.",
            ("model",),
            registry=self._registry,
        )
        self._depth = Gauge("regard_queue_depth", "Requests that wait for a worker.", registry=self._registry)
        # Looked up anew each time, labels would cost more than counting does.
        self._requests_of, self._latency_of = cache(self._requests.labels), cache(self._latency.labels)
        self._model_of = cache(self._model.labels)

    def watch(self, pool: Pool) -> None:
        """Take the depth of the queue from this pool."""
        self._depth.set_function(lambda: pool.waiting)

    def watch_witnesses(self, cosigning: Collector) -> None:
        """Take from this collector how the log's witnesses stand to it."""
        Gauge(
            "regard_log_unwitnessed_seconds",
            "For how long the newest entries of the log have waited for a quorum of witnesses.",
            registry=self._registry,
        ).set_function(lambda: cosigning.unwitnessed_seconds)
        Gauge("regard_log_contradictions", "Witnesses that contradict the log.", registry=self._registry).set_function(
            lambda: sum(each.contradicts for each in cosigning.standings())
        )

    def watch_jobs(self, desk: Desk) -> None:
        """Take from this desk how long the queue of jobs is."""
        for name, told, of in (
            ("regard_jobs_waiting", "Jobs that nobody works on yet.", lambda: desk.queue().waiting),
            ("regard_jobs_running", "Jobs that are worked on.", lambda: desk.queue().running),
            ("regard_jobs_oldest_seconds", "For how long the oldest job has waited.", lambda: desk.queue().oldest),
            ("regard_jobs_frames_per_second", "Frames a second of the jobs worked on.", lambda: desk.queue().rate),
        ):
            Gauge(name, told, registry=self._registry).set_function(of)

    def watch_notices(self, notices: Notices) -> None:
        """Take from this outbox how many ends of jobs are yet to be told."""
        told = Gauge("regard_jobs_notices_owed", "Notices that nobody took yet.", registry=self._registry)
        told.set_function(notices.owed)

    def watch_streams(self, streams: Streams) -> None:
        """Take from this room how late live video is looked at, and what of it is yet to be told."""
        for name, told, of in (
            ("regard_streams_wanted", "Stream processors that run.", lambda: streams.processors.load().wanted),
            ("regard_streams_alone", "Those nobody works on yet.", lambda: streams.processors.load().alone),
            (
                "regard_streams_lag_seconds",
                "By how much a frame was late in the last seconds, of all processors the most.",
                lambda: streams.processors.load().lag,
            ),
            ("regard_streams_owed", "Messages of processors that nobody took yet.", streams.messages.owed),
            ("regard_streams_dropped", "Messages of processors that were given up.", streams.messages.dropped),
        ):
            Gauge(name, told, registry=self._registry).set_function(of)

    def answered(self, operation: str, code: str, seconds: float) -> None:
        """Count a request. `code` is the error code, or OK."""
        self._requests_of(operation, code).inc()
        self._latency_of(operation).observe(seconds)

    def model_ran(self, model: str, seconds: float) -> None:
        """Count the time of one inference."""
        self._model_of(model).inc(seconds)

    def text(self) -> bytes:
        """The page for Prometheus."""
        return generate_latest(self._registry)
