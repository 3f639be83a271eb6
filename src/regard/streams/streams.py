"""The room as it opens: sources, processors, and what they tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from regard.gallery.gallery import Gallery
from regard.jobs.sns import Topics
from regard.jobs.webhooks import Webhook
from regard.sealing import SealingKey
from regard.settings import Settings
from regard.stores.buckets import Buckets
from regard.streams.cameras.reaching import Reach
from regard.streams.kinesis import DataStreams
from regard.streams.messages import Messages
from regard.streams.processors import Processors
from regard.streams.sources import Sources


@dataclass(frozen=True, slots=True)
class Streams:
    """What is known of live video. In the folder `pipes` commands hand on what comes to them."""

    sources: Sources
    processors: Processors
    messages: Messages
    reach: Reach
    pipes: Path
    patience: float


def open_streams(
    engine: Engine,
    gallery: Gallery,
    key: SealingKey,
    settings: Settings,
    webhook: Webhook | None,
    clock: Callable[[], float] = time.time,
) -> Streams:
    """The room of these settings. Raises ValueError for settings that cannot be right."""
    sinks = Buckets(settings), Topics(settings), webhook, DataStreams(settings)
    return Streams(
        Sources(engine, key, clock),
        Processors(engine, gallery, key, clock),
        Messages(engine, gallery, key, clock, sinks),
        Reach(settings.streams_reach),
        settings.data_dir / "pipes",
        float(settings.streams_patience),
    )
