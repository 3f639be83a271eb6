"""The film of a session: looked at, cut into pictures that fit, and gone; what cannot be looked at has failed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from regard.liveness.session import Posed, Shot
from regard.operations.common.pictures import PictureReader
from regard.operations.liveness.begun import Begun
from regard.operations.liveness.judging import MOST_IMAGE_BYTES, _jpeg, _spread, judged
from regard.stores.errors import StoreFaltered
from regard.vision.liveness.challenge import Challenge, Oval
from regard.vision.liveness.findings import Check, Findings
from regard.vision.liveness.told import InOval, Told
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture
from tests.helpers.live import HEIGHT, WIDTH, Judging, Stage, film

pytestmark = pytest.mark.sqlite("a film has nothing to do with a database")
CHALLENGE = Challenge("FaceMovementChallenge", "1.0.0", Oval(160, 120, 100, 160))
BOX = Box(0.25, 0.25, 0.5, 0.5)
TOLD = Told(0.0, 500.0, BOX, InOval(100.0, 200.0, BOX), (), WIDTH, HEIGHT)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


class Bucket:
    """Stands for the buckets: takes what is written, or does not."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.kept: dict[str, bytes] = {}
        # What happens once something is written.
        self.wrote: Callable[[str], object] = lambda _name: None
        self._refuses = refuses

    def require_writable(self, *_place: str) -> None:
        return None

    def write(self, organization: str, bucket: str, name: str, data: bytes, kind: str) -> None:
        if self._refuses:
            raise self._refuses
        assert (bucket, kind) == ("pictures", "image/jpeg")
        self.kept[name] = data
        self.wrote(name)

    def remove(self, organization: str, bucket: str, name: str) -> None:
        self.kept.pop(name, None)


def _begun(stage: Stage, width: int = WIDTH, height: int = HEIGHT, **settings: Any) -> Begun:
    session, caller = stage.create(Settings=settings), stage.key.caller
    with stage.rooms.gallery.writing() as connection:
        begun = stage.sessions.begin(
            connection, caller.organization, caller.access_key_id, session, Posed(CHALLENGE.kind, "1.0.0")
        )
    return Begun(begun, CHALLENGE, width, height)


def _judged(stage: Stage, begun: Begun, data: bytes, judging: Any = None) -> str:
    """The status of a session whose film this is."""
    parts = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    judged(begun, parts, TOLD, stage.rooms, judging or Judging())
    assert not list(stage.scratch.glob("*"))
    return str(stage.kept(begun.session.id).status)


def _with_buckets(stage: Stage, bucket: Bucket) -> None:
    stage.rooms = replace(stage.rooms, pictures=PictureReader(cast(Any, bucket)))
    stage.service.rooms = stage.rooms


def _grey(shot: Shot) -> float:
    return float(np.asarray(Image.open(io.BytesIO(shot.data))).mean())


def test_the_pictures_are_the_frames_that_the_judgement_names(stage: Stage) -> None:
    begun = _begun(stage, AuditImagesLimit=2)
    judging = Judging()
    assert _judged(stage, begun, film(), judging) == "SUCCEEDED"
    ((_, told, frames),) = judging.seen
    assert (told, frames[-1]) == (TOLD, (440.0, (HEIGHT, WIDTH, 3)))
    result = stage.kept(begun.session.id).result
    assert result is not None
    assert result.reference is not None
    # Frames are of greys 20, 35, 50 and so on; 3 is the reference, 1 and 6 are half of the audits.
    assert [round(_grey(shot) / 15) for shot in (result.reference, *result.audits)] == [4, 2, 7]


def test_at_most_as_many_audits_as_are_wanted_from_all_over_the_film() -> None:
    assert [_spread((1, 4, 6, 9), most) for most in range(6)] == [
        *([], [1], [1, 6], [1, 4, 6]),
        *([1, 4, 6, 9], [1, 4, 6, 9]),
    ]
    assert _spread((), 4) == []


def test_a_picture_is_never_larger_than_the_api_tells() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1080, 1920, 3), np.uint8)
    data = _jpeg(Picture(noise, "PNG"))
    assert len(data) <= MOST_IMAGE_BYTES
    assert Image.open(io.BytesIO(data)).size[0] in (1920, 960, 480)
    plain = _jpeg(Picture(np.full((480, 640, 3), 90, np.uint8), "PNG"))
    assert Image.open(io.BytesIO(plain)).size == (640, 480)


def test_a_session_that_did_not_pass_succeeded_and_says_what_it_lacked(stage: Stage) -> None:
    checks = (Check("light", False, 0.1, 0.5, "too little"), Check("solid", True, 1.0, 0.5, "enough"))
    begun = _begun(stage)
    assert _judged(stage, begun, film(), Judging(Findings(0.0, False, checks, None, ()))) == "SUCCEEDED"
    result = stage.kept(begun.session.id).result
    assert result is not None
    assert (result.confidence, result.reference, result.audits, result.lacking) == (0.0, None, (), ("light",))


def test_what_is_no_film_or_another_than_was_told_has_failed(stage: Stage) -> None:
    whole = film()
    assert _judged(stage, _begun(stage), b"\x1aE\xdf\xa3 no film") == "FAILED"
    assert _judged(stage, _begun(stage), whole[: len(whole) // 20]) == "FAILED"
    assert _judged(stage, _begun(stage, 640, 480), whole) == "FAILED"
    # A telephone that is held upright tells its sides the other way round.
    assert _judged(stage, _begun(stage, HEIGHT, WIDTH), whole) == "SUCCEEDED"


def test_a_judgement_that_breaks_ends_the_session(stage: Stage) -> None:
    def broken(*_given: Any) -> Findings:
        raise ZeroDivisionError

    begun = _begun(stage)
    with pytest.raises(ZeroDivisionError):
        _judged(stage, begun, film(), broken)
    assert stage.kept(begun.session.id).status == "FAILED"


def test_pictures_go_to_the_bucket_and_are_not_kept_here(stage: Stage) -> None:
    bucket = Bucket()
    _with_buckets(stage, bucket)
    begun = _begun(stage, AuditImagesLimit=4, OutputConfig={"S3Bucket": "pictures", "S3KeyPrefix": "door"})
    assert _judged(stage, begun, film()) == "SUCCEEDED"
    answer = stage.result(begun.session.id)
    names = [each["S3Object"]["Name"] for each in (answer["ReferenceImage"], *answer["AuditImages"])]
    folder = f"door/{begun.session.id}"
    assert names == [f"{folder}/reference.jpg", *(f"{folder}/audit-{number}.jpg" for number in (1, 2, 3, 4))]
    assert list(bucket.kept) == names
    assert not [each for each in (answer["ReferenceImage"], *answer["AuditImages"]) if "Bytes" in each]
    _with_buckets(stage, Bucket(StoreFaltered("the store is away")))
    begun = _begun(stage, OutputConfig={"S3Bucket": "pictures"})
    assert _judged(stage, begun, film()) == "FAILED"


def test_what_is_judged_too_late_or_may_not_be_judged_any_more_is_not_kept(stage: Stage) -> None:
    late = _begun(stage)

    def slow(*given: Any) -> Findings:
        stage.room.now += 180
        return Judging()(*given)

    assert _judged(stage, late, film(), slow) == "EXPIRED"
    assert stage.kept(late.session.id).result is None
    stopped = _begun(stage)
    stage.room.organizations.keys.revoke(stage.key.access_key_id)
    judging = Judging()
    assert _judged(stage, stopped, film(), judging) == "FAILED"
    assert judging.seen == []


def test_a_stop_while_a_film_is_judged_lets_no_picture_out(stage: Stage) -> None:
    bucket = Bucket()
    _with_buckets(stage, bucket)
    begun = _begun(stage, AuditImagesLimit=2, OutputConfig={"S3Bucket": "pictures"})

    def stopped(*given: Any) -> Findings:
        stage.enable(False)
        return Judging()(*given)

    written: list[str] = []
    bucket.wrote = written.append
    assert _judged(stage, begun, film(), stopped) == "FAILED"
    assert written == []
    stage.enable()


def test_of_a_session_that_ends_while_pictures_are_written_none_stays_in_the_bucket(stage: Stage) -> None:
    bucket = Bucket()
    _with_buckets(stage, bucket)

    def later(name: str) -> None:
        if name.endswith("audit-1.jpg"):
            stage.room.now += 180

    def full(name: str) -> None:
        if name.endswith("audit-1.jpg"):
            raise StoreFaltered("the store went away")

    for what, status in ((full, "FAILED"), (later, "EXPIRED")):
        begun = _begun(stage, AuditImagesLimit=2, OutputConfig={"S3Bucket": "pictures"})
        bucket.wrote = what
        assert _judged(stage, begun, film()) == status
        assert bucket.kept == {}
