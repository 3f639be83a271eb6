from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from regard.jobs.notices import SNS
from regard.streams.messages import WEBHOOK, Message
from regard.wire.metrics import Metrics
from regard.wire.pool import Pool
from tests.helpers.fakes import ORGANIZATION
from tests.helpers.streaming import Den
from tests.jobs.test_notices import CHANNEL, Office


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_requests_are_counted_by_operation_and_code() -> None:
    metrics = Metrics()
    metrics.answered("DetectFaces", "OK", 0.02)
    metrics.answered("DetectFaces", "OK", 0.03)
    metrics.answered("DetectFaces", "ThrottlingException", 0.0)
    found = samples(metrics)
    assert found["regard_requests_total", (("code", "OK"), ("operation", "DetectFaces"))] == 2
    assert found["regard_requests_total", (("code", "ThrottlingException"), ("operation", "DetectFaces"))] == 1


def test_latency_is_a_histogram_of_seconds() -> None:
    metrics = Metrics()
    metrics.answered("DetectFaces", "OK", 0.02)
    metrics.answered("DetectFaces", "OK", 4)
    found = samples(metrics)
    operation = ("operation", "DetectFaces")
    assert found["regard_request_seconds_sum", (operation,)] == 4.02
    assert found["regard_request_seconds_bucket", (("le", "0.025"), operation)] == 1
    assert found["regard_request_seconds_bucket", (("le", "+Inf"), operation)] == 2


def test_the_time_of_models_adds_up() -> None:
    metrics = Metrics()
    metrics.model_ran("face-detector", 0.5)
    metrics.model_ran("face-detector", 0.25)
    assert samples(metrics)["regard_model_seconds_total", (("model", "face-detector"),)] == 0.75


def test_the_depth_of_the_queue_is_the_pools() -> None:
    metrics, pool = Metrics(), Pool(1, 5)
    metrics.watch(pool)
    with ExitStack() as places:
        for _ in range(4):
            places.enter_context(pool.place())
        assert samples(metrics)["regard_queue_depth", ()] == 3
    assert samples(metrics)["regard_queue_depth", ()] == 0


def test_what_is_owed_of_live_video_is_counted_and_what_was_given_up(tmp_path: Path) -> None:
    den, metrics = Den(tmp_path), Metrics()
    metrics.watch_streams(den.streams)
    den.streams.messages.searches = dict
    with den.streams.processors.engine.begin() as connection:
        words = Message(den.hook.address, "somebody")
        den.streams.messages.owe(connection, ORGANIZATION, words, WEBHOOK, search="arn:aws:rekognition")
    told = [("regard_streams_owed", ()), ("regard_streams_dropped", ())]
    assert [samples(metrics)[each] for each in told] == [1, 0]
    den.streams.messages.expire()
    assert [samples(metrics)[each] for each in told] == [0, 1]


def test_two_services_in_a_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.answered("DetectFaces", "OK", 0.1)
    assert b"DetectFaces" not in second.text()


def test_what_is_yet_to_be_told_of_jobs_is_counted(tmp_path: Path) -> None:
    metrics, office = Metrics(), Office(tmp_path)
    metrics.watch_notices(office.notices)
    office.ended(NotificationChannel=CHANNEL)
    assert samples(metrics)["regard_jobs_notices_owed", ()] == 2
    office.notices.send_due(SNS)
    assert samples(metrics)["regard_jobs_notices_owed", ()] == 1
