"""Runners: a session comes to its end once, whatever the camera, the sinks and the workers do meanwhile."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regard.streams.cameras.watching import Moment
from regard.streams.errors import AddressRefused, CameraLost, CameraUnfit, NotAllowed
from regard.streams.homes import Home, Seen
from regard.streams.processor import Processor
from regard.streams.processors import LEASE_SECONDS
from regard.streams.running import MOST_PAUSE, Runners, Tools
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture
from tests.helpers.streaming import HOME, NOW, STREAM, Den, Scripted

PERSON = Seen("Person", 90.0, Box(0.1, 0.1, 0.2, 0.5))
CAT = Seen("Cat", 80.0, Box(0.5, 0.5, 0.2, 0.2))


@pytest.fixture
def den(tmp_path: Path) -> Den:
    den = Den(tmp_path)
    den.client("CreateStreamProcessor", Name="door", **HOME)
    return den


def _types(den: Den) -> list[tuple[str, ...]]:
    """What the topic heard, in its order: the names of labels, or the end with its words."""
    return [
        ("end", each["streamProcessingResults"]["message"])
        if "streamProcessingResults" in each
        else tuple(label["name"] for label in each["labels"])
        for each in den.topic.words()
    ]


def test_the_first_of_each_class_is_told_once_and_then_the_end(den: Den) -> None:
    session, begun = den.start(seconds=10), den.clock.now
    assert den.status() == ("STARTING", "")

    def script() -> Iterator[float]:
        for number in itertools.count():
            den.seen = [[], [PERSON], [PERSON, CAT], [CAT]][min(number, 3)]
            assert den.status()[0] == "STARTING"
            yield 0.2

    den.run(Scripted(den.clock, script()))
    assert den.status() == ("STOPPED", "")
    assert 10 <= den.clock.now - begun < 11
    den.send()
    assert _types(den) == [("PERSON",), ("PET",), ("end", "The stream processor came to its end.")]
    first, _, end = den.topic.words()
    assert {each["sessionId"] for each in den.topic.words()} == {session}
    assert end["inputInformation"]["kinesisVideo"] == {"streamArn": STREAM, "processedVideoDurationMillis": 10_000}
    label = first["labels"][0]
    assert label["boundingBox"] == {"left": 0.1, "top": 0.1, "width": 0.2, "height": 0.5}
    assert label["videoMapping"]["kinesisVideoMapping"]["producerTimestamp"] == int((begun + 0.4) * 1000)
    assert first["startStreamProcessorRequest"]["StopSelector"] == {"MaxDurationInSeconds": 10}
    assert [each[2]["type"] if isinstance(each[2], dict) else each[0][:4] for each in den.hook.taken] == ["msg_"] * 3
    assert [(name, what) for name, what, _ in den.told] == [("door", "ended")]


def test_the_frames_are_in_the_bucket_before_anybody_hears_of_them(den: Den) -> None:
    session, den.seen = den.start(seconds=1), [PERSON]
    den.run(Scripted(den.clock, [0.2]))
    den.s3.broken = OSError("away")
    den.send()
    assert den.topic.taken == den.hook.taken == []
    den.s3.broken, den.clock.now = None, den.clock.now + 60
    den.send()
    den.clock.now += 60
    den.send()
    told = den.topic.words()[0]["labels"][0]
    (_, bucket, whole, jpeg, kind, kms), (_, _, crop, *_) = (each for each in den.s3.taken if "image/jpeg" in each)
    assert (bucket, kind, kms) == ("frames", "image/jpeg", "")
    assert told["frameImageUri"] == f"s3://frames/{whole}"
    assert told["croppedImageUri"] == f"s3://frames/{crop}"
    assert whole.startswith(f"home/door/{session}/")
    assert jpeg.startswith(b"\xff\xd8")
    assert den.streams.messages.owed() == 0


def test_a_summary_of_the_session_is_in_the_bucket_at_its_end(den: Den) -> None:
    session, begun = den.start(seconds=2), den.clock.now
    script = iter([[PERSON], [PERSON, CAT]])

    def frames() -> Iterator[float]:
        while True:
            den.seen = next(script, [])
            yield 0.2

    den.run(Scripted(den.clock, frames()))
    den.send()
    ((_, bucket, name, data, kind, _),) = (each for each in den.s3.taken if "image/jpeg" not in each)
    assert (bucket, name, kind) == ("frames", f"home/door/{session}/summary.json", "application/json")
    told = json.loads(data)
    assert (told["sessionId"], told["streamProcessorName"]) == (session, "door")
    assert told["inputInformation"]["kinesisVideo"] == {"streamArn": STREAM, "processedVideoDurationMillis": 2000}
    assert [each["name"] for each in told["labels"]] == ["PERSON", "PET"]
    at = [each["videoMapping"]["kinesisVideoMapping"]["producerTimestamp"] for each in told["labels"]]
    assert at == pytest.approx([(begun + 0.2) * 1000, (begun + 0.4) * 1000], abs=1)
    assert told["labels"][0] == den.topic.words()[0]["labels"][0]


def test_something_outside_of_the_regions_or_too_unsure_is_not_told(den: Den) -> None:
    right = {"BoundingBox": {"Left": 0.4, "Top": 0.0, "Width": 0.6, "Height": 1.0}}
    update = {"Labels": ["ALL"], "MinConfidence": 85}
    den.client(
        "UpdateStreamProcessor",
        Name="door",
        RegionsOfInterestForUpdate=[right],
        SettingsForUpdate={"ConnectedHomeForUpdate": update},
    )
    den.start(seconds=1)
    den.seen = [PERSON, CAT]
    den.run(Scripted(den.clock, [0.2] * 5))
    den.send()
    assert [each[0] for each in _types(den)] == ["end"]


def test_a_camera_that_comes_back_is_connected_to_after_pauses_that_grow(den: Den) -> None:
    den.start(seconds=100)
    camera = Scripted(den.clock, [0.2, *[CameraLost("away")] * 7, 0.2, CameraLost("away"), 0.2])
    den.run(camera)
    assert den.status() == ("STOPPED", "")
    gaps = [later - earlier - 0.5 for earlier, later in itertools.pairwise(camera.connected)]
    # The first and the last but one had a picture before they were lost: after that the pauses begin anew.
    assert gaps == pytest.approx([1.2, 2, 4, 8, 16, MOST_PAUSE, MOST_PAUSE, 1.2])


def test_a_camera_that_stays_away_fails_its_processor_and_says_why(den: Den) -> None:
    den.start(seconds=10)
    begun = den.clock.now
    den.run(Scripted(den.clock, itertools.repeat(CameraLost("camera:554 does not answer"))))
    status, cause = den.status()
    assert status == "FAILED"
    assert "No picture for 3" in cause
    assert "camera:554 does not answer" in cause
    assert 300 < den.clock.now - begun < 300 + 2 * MOST_PAUSE
    den.send()
    assert _types(den) == [("end", cause)]
    assert den.told[0][:2] == ("door", "failed")
    den.start(seconds=1)
    den.run(Scripted(den.clock, [0.2]))
    assert den.status() == ("STOPPED", "")


@pytest.mark.parametrize("error", [AddressRefused("10.0.0.1 is not listed"), CameraUnfit("no MJPEG")])
def test_what_would_be_the_same_at_the_next_try_is_not_tried_again(den: Den, error: Exception) -> None:
    den.start()
    camera = Scripted(den.clock, [error])
    den.run(camera)
    assert den.status() == ("FAILED", str(error))
    assert len(camera.connected) == 1


def test_a_processor_whose_source_was_removed_has_failed(den: Den) -> None:
    den.start()
    den.streams.sources.remove(STREAM)
    den.run(Scripted(den.clock, [0.2]))
    assert den.status()[0] == "FAILED"
    assert "regard streams source" in den.status()[1]


def test_a_fault_of_ours_fails_it_without_words_of_the_camera(den: Den) -> None:
    den.start()
    den.run(Scripted(den.clock, [0.2, RuntimeError("<what the camera said>")]))
    assert den.status() == ("FAILED", "An error of the service; its log says more.")


def test_a_film_that_is_over_ends_the_session(den: Den) -> None:
    den.start(seconds=120)
    den.run(Scripted(den.clock, [0.2, 0.2, EOFError()]))
    assert den.status() == ("STOPPED", "")


def test_one_that_is_stopped_ends_before_the_next_frame(den: Den) -> None:
    den.start(seconds=120)

    def script() -> Iterator[float]:
        yield 0.2
        den.client("StopStreamProcessor", Name="door")
        assert den.status()[0] == "STOPPING"
        den.seen = [PERSON]
        yield 0.2
        raise AssertionError("looked on")

    den.run(Scripted(den.clock, script()))
    assert den.status() == ("STOPPED", "")
    den.send()
    assert [each[0] for each in _types(den)] == ["end"]


def test_one_that_nobody_works_on_is_stopped_by_whoever_comes_next(den: Den) -> None:
    den.start()
    den.client("StopStreamProcessor", Name="door")
    assert den.status()[0] == "STOPPING"
    camera = Scripted(den.clock, [0.2])
    den.run(camera)
    assert den.status() == ("STOPPED", "")
    assert camera.connected == []


def test_pictures_before_the_time_that_was_asked_for_are_not_looked_at(den: Den) -> None:
    begins = den.clock.now + 5
    selector = {"KVSStreamStartSelector": {"ProducerTimestamp": int(begins * 1000)}}
    den.client("StartStreamProcessor", Name="door", StartSelector=selector)
    den.seen = [PERSON]
    den.run(Scripted(den.clock, itertools.repeat(1.0)))
    den.send()
    mapping = den.topic.words()[0]["labels"][0]["videoMapping"]["kinesisVideoMapping"]
    assert mapping["producerTimestamp"] == int(begins * 1000)


class Killed(BaseException):
    """Stands in for kill -9: nothing is done after it."""


def test_another_worker_goes_on_with_the_session_of_one_that_was_killed(den: Den) -> None:
    den.start(seconds=60)
    begun = den.clock.now
    den.seen = [PERSON]
    with pytest.raises(Killed):
        den.run(Scripted(den.clock, [0.2, 0.2, Killed()]))
    assert den.streams.processors.alone() == []
    den.clock.now += LEASE_SECONDS
    den.seen = [PERSON, CAT]
    den.run(Scripted(den.clock, itertools.repeat(0.2)), "two")
    assert den.status() == ("STOPPED", "")
    assert den.clock.now - begun == pytest.approx(60.2, abs=1)
    den.send()
    assert [each[0] for each in _types(den)] == ["PERSON", "PET", "end"]


def test_a_worker_that_was_taken_for_dead_writes_nothing_more(den: Den) -> None:
    den.start(seconds=60)

    def script() -> Iterator[float]:
        yield 0.2
        den.clock.now += LEASE_SECONDS + 1
        (number,) = den.streams.processors.alone()
        den.streams.processors.begin(number, "two")
        den.seen = [PERSON]
        yield 0.2

    den.run(Scripted(den.clock, script()))
    den.send()
    assert den.topic.taken == []
    assert den.status()[0] == "STARTING"


def test_a_worker_that_ends_leaves_the_session_to_the_next(den: Den) -> None:
    den.start(seconds=60)
    (number,) = den.streams.processors.alone()
    runner = den.runner(Scripted(den.clock, [0.2]))
    runner._wait = lambda _seconds: True
    runner.run(number)
    assert den.status()[0] == "STARTING"
    den.streams.processors.leave("one")
    assert den.streams.processors.alone() == [number]


def test_the_lag_is_told(den: Den) -> None:
    den.start(seconds=60)
    (number,) = den.streams.processors.alone()

    def script() -> Iterator[float]:
        yield 0.2
        den.streams.processors.beat(number, "one", runner.lag())
        load = den.streams.processors.load()
        assert (load.wanted, load.alone) == (1, 0)
        assert load.lag == pytest.approx(0.7)
        assert runner.lag() == 0
        yield 0.2

    class Slow:
        def look(self, processor: Processor, _moment: Moment) -> Processor:
            den.clock.now += 0.7
            return processor

        def ready(self, _processor: Processor) -> None:
            pass

        def end(self, _connection: object, processor: Processor, _cause: str) -> Processor:
            return processor

    runner = den.runner(Scripted(den.clock, script()), looking=Slow())
    runner.run(number)
    assert den.streams.processors.load().wanted == 0


def test_what_looks_is_loaded_before_a_camera_is_connected_to_so_that_no_frame_waits_for_it(den: Den) -> None:
    den.start(seconds=60)
    (number,) = den.streams.processors.alone()
    camera, loaded = Scripted(den.clock, itertools.repeat(0.2)), list[float]()

    class Slow:
        def ready(self, _processor: Processor) -> None:
            assert camera.connected == []
            den.clock.now += 20
            loaded.append(den.clock.now)

        def look(self, processor: Processor, _moment: Moment) -> Processor:
            return processor

        def end(self, _connection: object, processor: Processor, _cause: str) -> Processor:
            return processor

    runner = den.runner(camera, looking=Slow())
    runner.run(number)
    assert camera.connected == loaded
    assert runner.lag() == 0


def test_a_model_that_is_not_there_fails_a_processor_before_its_camera_is_connected_to(den: Den) -> None:
    den.start()

    class Without:
        def ready(self, _processor: Processor) -> None:
            raise NotAllowed("object-detector is not there")

    camera = Scripted(den.clock, [0.2])
    looking: Any = Without()
    looking.end = Home(den.streams.processors, den.streams.messages, lambda _picture: []).end
    den.run(camera, looking=looking)
    assert den.status() == ("FAILED", "object-detector is not there")
    assert camera.connected == []


def _runners(den: Den, gone: set[str], home: Home) -> Runners:
    camera = Scripted(den.clock, [])
    tools = Tools(den.streams.processors, den.streams.sources, camera.watch, home, 300.0)
    return Runners(tools, "two", gone.__contains__)


@pytest.mark.long
def test_what_a_worker_left_that_was_killed_is_gone_on_with_before_its_lease_is_over(den: Den) -> None:
    den.start(seconds=60)
    (number,) = den.streams.processors.alone()
    den.streams.processors.begin(number, "one")
    loaded, gone = threading.Event(), set[str]()

    def find(_picture: Picture) -> list[Seen]:
        loaded.set()
        return []

    runners = _runners(den, gone, Home(den.streams.processors, den.streams.messages, find))
    runners.start()
    # Whoever has nothing to do keeps loaded what the other works with.
    assert loaded.wait(60)
    assert den.streams.processors.holders() == {"one"}
    gone.add("one")
    until = time.monotonic() + 60
    while den.streams.processors.holders() != {"two"}:
        assert time.monotonic() < until
        time.sleep(0.01)
    den.client("StopStreamProcessor", Name="door")
    runners.close()


def test_nothing_is_lost_while_all_sinks_are_away_for_five_minutes(den: Den) -> None:
    sinks = (den.s3, den.topic, den.hook)
    for sink in sinks:
        sink.broken = OSError("away")
    for _ in range(5):
        den.start(seconds=60)
        den.seen = [PERSON, CAT]
        den.run(Scripted(den.clock, itertools.repeat(0.2)))
        den.send()
    assert den.topic.taken == []
    for sink in sinks:
        sink.broken = None
    for _ in range(20):
        den.clock.now += 60
        den.send()
    assert den.streams.messages.owed() == 0
    assert sorted(each[0] for each in _types(den)) == ["PERSON"] * 5 + ["PET"] * 5 + ["end"] * 5
    assert len(den.s3.taken) == 25
    assert len(den.hook.taken) == 15
    assert den.topic.words()[0]["startStreamProcessorRequest"]["StartSelector"] == NOW
