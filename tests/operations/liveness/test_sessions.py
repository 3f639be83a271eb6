"""Sessions as AWS's clients know them: off until a motion, used once, and nothing of them after three minutes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from regard.liveness.errors import NoSuchSession, SessionUsed
from regard.liveness.session import Posed, Result, Shot
from regard.liveness.sessions import MOST_OPEN, REMEMBERED_SECONDS, TERM_SECONDS
from regard.operations.common.errors import ApiError
from regard.stewardship.policy.service_model import service_model
from regard.vision.liveness.challenge import MOVEMENT, MOVEMENT_AND_LIGHT
from tests.helpers.fakes import as_botocore_reads_it
from tests.helpers.live import Stage

CREATE, GET = "CreateFaceLivenessSession", "GetFaceLivenessSessionResults"
PICTURE = b"\xff\xd8 a face \xff\xd9"
RESULT = Result(12.5, Shot(PICTURE, box=(0.1, 0.2, 0.3, 0.4)), (Shot(PICTURE * 2),), ("light", "solid"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def _ended(stage: Stage, result: Result | None = RESULT, client: str = "ui-react-liveness", **settings: Any) -> str:
    """A session that was streamed by such a client, and came to this."""
    session = stage.create(Settings={"AuditImagesLimit": 1, **settings})
    with stage.rooms.gallery.writing() as connection:
        caller = stage.key.caller
        posed = Posed(MOVEMENT_AND_LIGHT, "2.0.0", client)
        begun = stage.sessions.begin(connection, caller.organization, caller.access_key_id, session, posed)
    assert stage.sessions.end(begun, result)
    assert not stage.sessions.end(begun, None)
    return session


def test_it_is_off_until_a_motion_and_off_again_after_another(tmp_path: Path) -> None:
    stage = Stage(tmp_path, enabled=False)
    code, told = stage.refusal(CREATE)
    assert (code, "[liveness-by-motion]" in told) == ("AccessDeniedException", True)
    stage.enable()
    session = stage.create()
    stage.room.council.suspend("liveness", "a mask passed", stage.room.signer, 100)
    for refused in (stage.refusal(CREATE), stage.refusal(GET, SessionId=session)):
        assert "[suspended]" in refused[1]
    stage.close()


def test_a_session_is_made_and_told_in_awss_words_with_one_entry_each(stage: Stage) -> None:
    answer, call = stage.ask(CREATE)
    session = answer["SessionId"]
    assert str(UUID(session)) == session
    assert call.remarks["x-regard-liveness-page"] == f"/liveness/{session}#{stage.sessions.ticket(session)}"
    assert as_botocore_reads_it(GET, stage.result(session)) == {"SessionId": session, "Status": "CREATED"}
    assert stage.calls()[-2:] == [(CREATE, "allowed", "answered"), (GET, "allowed", "answered")]


def test_what_came_of_it_is_told_with_its_pictures_and_what_it_lacked(stage: Stage) -> None:
    session = _ended(stage)
    answer, call = stage.ask(GET, SessionId=session)
    assert as_botocore_reads_it(GET, answer) == {
        "SessionId": session,
        "Status": "SUCCEEDED",
        "Confidence": 12.5,
        "Challenge": {"Type": MOVEMENT_AND_LIGHT, "Version": "2.0.0"},
        "ReferenceImage": {
            "Bytes": PICTURE,
            "BoundingBox": {"Left": 0.1, "Top": 0.2, "Width": 0.3, "Height": 0.4},
        },
        "AuditImages": [{"Bytes": PICTURE * 2}],
        "Feedback": [],
        "Metadata": {"SDKType": "ui-react-liveness"},
    }
    assert call.remarks["x-regard-liveness"] == "light, solid"
    failed = stage.result(_ended(stage, None))
    assert (failed["Status"], failed.keys() & {"Confidence", "ReferenceImage", "Feedback"}) == ("FAILED", set())
    assert failed["Metadata"] == {"SDKType": "ui-react-liveness"}


@pytest.mark.parametrize(
    ("lacking", "seen", "codes"),
    [
        (("face seen", "oval", "timing"), True, ["FACE_NOT_VISIBLE", "FACE_NOT_ALIGNED"]),
        (("oval", "solid"), True, ["FACE_NOT_ALIGNED"]),
        # Of a face that was never seen nobody measured where it was.
        (("face seen", "oval"), False, ["FACE_NOT_VISIBLE"]),
        (("colours", "solid", "person", "no cut"), True, []),
        ((), True, []),
    ],
)
def test_feedback_names_what_was_measured_and_nothing_else(
    stage: Stage, lacking: tuple[str, ...], seen: bool, codes: list[str]
) -> None:
    session = _ended(stage, Result(0.0, Shot(PICTURE) if seen else None, (), lacking))
    told = as_botocore_reads_it(GET, stage.result(session))["Feedback"]
    assert [each["Code"] for each in told] == codes
    known, words = (service_model().shape_for(name).metadata for name in ("FeedbackCode", "FeedbackMessage"))
    for each in told:
        assert each.keys() == {"Code", "Message"}
        assert each["Code"] in known["enum"]
        assert words["min"] <= len(each["Message"]) <= words["max"]


def test_a_client_that_tells_nothing_of_itself_has_no_metadata(stage: Stage) -> None:
    assert "Metadata" not in stage.result(_ended(stage, client=""))
    assert "Metadata" not in stage.result(stage.create())


def test_no_picture_is_in_clear_in_the_database_and_none_in_the_log(stage: Stage, tmp_path: Path) -> None:
    _ended(stage)
    with stage.rooms.gallery.reading() as connection:
        (row,) = connection.execute(text("SELECT * FROM liveness_sessions")).all()
    clear = b"".join(bytes(each) for each in row if isinstance(each, bytes | memoryview))
    assert clear
    assert b"a face" not in clear
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b" a face " in path.read_bytes()]


def test_after_three_minutes_nothing_is_left_but_that_it_expired(stage: Stage) -> None:
    waiting, done = stage.create(), _ended(stage)
    stage.room.now += TERM_SECONDS - 0.001
    assert stage.sessions.expire() == 0
    assert stage.result(done)["Status"] == "SUCCEEDED"
    stage.room.now += 0.001
    # It is over at that moment, whenever the sweep comes by.
    for session in (waiting, done):
        assert stage.result(session) == {"SessionId": session, "Status": "EXPIRED"}
    assert stage.rooms.gallery.house_key(f"liveness/{done}") is not None
    assert stage.sessions.expire() == 2
    assert stage.rooms.gallery.house_key(f"liveness/{done}") is None
    with stage.rooms.gallery.reading() as connection:
        rows = connection.execute(text("SELECT sealed, token, status FROM liveness_sessions")).all()
    assert rows == [(None, None, "EXPIRED")] * 2
    assert stage.sessions.expire() == 0
    assert stage.result(done) == {"SessionId": done, "Status": "EXPIRED"}
    stage.room.now += REMEMBERED_SECONDS
    stage.sessions.expire()
    assert stage.refusal(GET, SessionId=done)[0] == "SessionNotFoundException"


def test_a_session_is_its_organizations_and_its_stream_its_keys(stage: Stage) -> None:
    session, other = stage.create(), stage.issue()
    for given in ({"key": other, "SessionId": session}, {"SessionId": str(uuid4())}):
        code, told = stage.refusal(GET, **given)
        assert (code, told.startswith("Session not found.")) == ("SessionNotFoundException", True)
    posed, caller = Posed(MOVEMENT, "1.0.0"), stage.key.caller
    with stage.rooms.gallery.writing() as connection:
        for organization, key in (
            (other.caller.organization, other.access_key_id),
            (caller.organization, other.access_key_id),
        ):
            with pytest.raises(NoSuchSession):
                stage.sessions.begin(connection, organization, key, session, posed)
        stage.sessions.begin(connection, caller.organization, caller.access_key_id, session, posed)
        with pytest.raises(SessionUsed, match="was used already"):
            stage.sessions.begin(connection, caller.organization, caller.access_key_id, session, posed)
    ticket = stage.sessions.ticket(session)
    assert stage.sessions.by_ticket(session, ticket).id == session
    for wrong in ("", stage.sessions.ticket(str(uuid4())), ticket.upper(), "é"):
        with pytest.raises(NoSuchSession):
            stage.sessions.by_ticket(session, wrong)


def test_a_token_gives_the_same_session_as_long_as_there_is_one(stage: Stage) -> None:
    first = stage.create(ClientRequestToken="once")
    assert stage.create(ClientRequestToken="once") == first
    assert stage.create(ClientRequestToken="twice") != first
    assert stage.create(stage.issue(), ClientRequestToken="once") != first
    # Another key of the same organization could not stream the session of this one.
    organization = stage.key.caller.organization
    colleague = stage.room.organizations.issue_key(organization, "identity-verification")
    theirs = stage.create(colleague, ClientRequestToken="once", Settings={"AuditImagesLimit": 3})
    assert theirs != first
    assert stage.kept(theirs).access_key == colleague.access_key_id
    code, told = stage.refusal(CREATE, ClientRequestToken="once", Settings={"AuditImagesLimit": 3})
    assert (code, "other parameters" in told) == ("InvalidParameterException", True)
    stage.room.now += TERM_SECONDS
    assert stage.create(ClientRequestToken="once", Settings={"AuditImagesLimit": 3}) != first


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"KmsKeyId": "alias/ours"}, "KmsKeyId is not taken"),
        ({"Settings": {"OutputConfig": {"S3Bucket": "pictures"}}}, "REGARD_S3_WRITABLE"),
        (
            {"Settings": {"ChallengePreferences": [{"Type": MOVEMENT, "Versions": {"Minimum": "1.0.1"}}]}},
            "FaceMovementChallenge 1.0.0",
        ),
        (
            {"Settings": {"ChallengePreferences": [{"Type": MOVEMENT_AND_LIGHT, "Versions": {"Maximum": "1.9.9"}}]}},
            "FaceMovementAndLightChallenge 2.0.0",
        ),
    ],
)
def test_what_is_not_done_is_refused_when_a_session_is_made(stage: Stage, given: dict[str, Any], told: str) -> None:
    code, words = stage.refusal(CREATE, **given)
    assert (code, told in words) == ("InvalidParameterException", True)


def test_a_thousand_sessions_of_an_organization_may_wait_and_then_clients_are_slowed_down(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_OPEN == 1000
    monkeypatch.setattr("regard.liveness.sessions.MOST_OPEN", 2)
    stage.create(), stage.create()
    assert stage.refusal(CREATE)[0] == "ThrottlingException"
    assert stage.create(stage.issue())
    stage.room.now += TERM_SECONDS
    assert stage.create()


def test_a_session_that_was_edited_behind_the_service_tells_nothing(stage: Stage) -> None:
    session, other = _ended(stage), _ended(stage, None)
    with stage.rooms.gallery.writing() as connection:
        connection.execute(text("UPDATE liveness_sessions SET expires_at = expires_at + 3600"))
    for each in (session, other):
        code, told = stage.refusal(GET, SessionId=each)
        assert (code, "was changed in the database" in told) == ("InternalServerError", True)
    with pytest.raises(ApiError, match="was changed"):
        stage.ask(GET, SessionId=session)
