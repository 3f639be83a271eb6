"""Damaged films through real jobs: each ends, a success is a film, and a failure tells its cause."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from regard.jobs.job import Asked, State
from regard.vision.things.labels import LabelFinder
from regard.vision.video.film import UNSUPPORTED
from tests.helpers.damaged import Anatomy, mutated
from tests.helpers.fakes import ORGANIZATION, Clock, open_rooms
from tests.helpers.working import with_jobs, work_off
from tests.operations.videos.test_looking import Eyes

SMALL = ("h264_10bits.mp4", "h265_video.mp4", "av1_video.mkv", "no_duration.webm")
FILMS = 200


@pytest.mark.long
@pytest.mark.slow("a job for each of many films")
def test_a_job_on_a_damaged_film_is_never_an_empty_success(shared_data: Path, tmp_path: Path, scale: float) -> None:
    rooms = with_jobs(open_rooms(tmp_path, clock := Clock()), tmp_path, clock)
    rooms = replace(rooms, labels=cast(LabelFinder, Eyes().labels))
    desk = rooms.jobs
    assert desk is not None
    rng, films = np.random.default_rng(7), [Anatomy.of((shared_data / "clips" / name).read_bytes()) for name in SMALL]
    ended = {State.SUCCEEDED: 0, State.FAILED: 0}
    for number in range(round(FILMS * scale)):
        path = tmp_path / "film.mp4"
        path.write_bytes(mutated(films[number % len(films)], rng))
        given = {"Video": {"S3Object": {"Bucket": "films", "Name": path.name}}}
        etag = rooms.pictures.buckets.found(ORGANIZATION, "films", path.name, None, 1 << 30).etag
        asked = Asked(ORGANIZATION, "AKIA", "testing", "StartLabelDetection", given, {"faces": True, "etag": etag})
        with rooms.gallery.writing() as connection:
            job = desk.start(connection, asked)
        assert work_off(rooms) == 1
        told = desk.find(job)
        ended[told.state] += 1
        if told.state is State.SUCCEEDED:
            assert told.done > 0
            assert b"Dog" in b"".join(data for _, _, data in desk.found(told))
        else:
            assert told.cause.startswith(UNSUPPORTED)
            assert len(told.cause) > len(UNSUPPORTED) + 20
    assert min(ended.values()) > 0
    # What was fetched had no name, and is gone.
    left = [path.name for path in tmp_path.rglob("*") if path.is_file() and ".db" not in path.suffix]
    assert set(left) <= {"film.mp4", "master.key", "machine"}
