"""Messages: sent until they were taken, in their order, and gone then; what is about an erased person never."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from regard.jobs.outbox import GIVEN_UP_AFTER
from regard.streams import messages
from regard.streams.messages import FRAME, KINESIS, SNS, WEBHOOK, Frame, Message, Records
from tests.helpers.fakes import ORGANIZATION
from tests.helpers.streaming import RECORDS, TOPIC, Den

SEARCH = f"arn:aws:rekognition:us-east-1:{ORGANIZATION}:streamprocessor/door"


@pytest.fixture
def den(tmp_path: Path) -> Den:
    return Den(tmp_path)


def _owe(den: Den, what: Frame | Message | Records, kind: str, **more: str) -> str:
    with den.streams.processors.engine.begin() as connection:
        return den.streams.messages.owe(connection, ORGANIZATION, what, kind, **more)


def _found(den: Den, number: int, search: str = SEARCH, kind: str = KINESIS) -> None:
    """Owe what a search found on a frame: somebody."""
    what = Records(RECORDS, "door", [b"%d" % number]) if kind == KINESIS else Message(den.hook.address, str(number))
    _owe(den, what, kind, whose="external/alice", search=search)


def test_each_goes_where_it_is_meant_to_and_leaves_no_row(den: Den) -> None:
    _owe(den, Frame("frames", "one.jpg", b"jpeg", "key"), FRAME)
    _owe(den, Message(TOPIC, "words"), SNS)
    hooked = _owe(den, Message(den.hook.address, "words"), WEBHOOK)
    _owe(den, Records(RECORDS, "door", [b"one", b"two"]), KINESIS)
    assert den.streams.messages.owed() == 4
    den.send()
    assert den.s3.taken == [(ORGANIZATION, "frames", "one.jpg", b"jpeg", "image/jpeg", "key")]
    assert den.topic.taken == [(ORGANIZATION, TOPIC, "words", "Rekognition Stream Processing Event")]
    assert den.hook.taken == [(f"msg_{hooked}", "words", den.clock.now)]
    assert den.records.taken == [(ORGANIZATION, RECORDS, "door", [b"one", b"two"])]
    with den.streams.processors.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM stream_messages")).scalar_one() == 0


def test_one_that_waits_for_another_goes_after_it(den: Den) -> None:
    first = _owe(den, Message(TOPIC, "first"), SNS)
    _owe(den, Message(TOPIC, "second"), SNS, after=first)
    den.topic.broken = OSError("away")
    den.send()
    den.topic.broken = None
    assert den.streams.messages.send_due(SNS) == 0
    den.clock.now += 10
    den.send()
    assert [each[2] for each in den.topic.taken] == ["first", "second"]


@pytest.mark.long
@pytest.mark.parametrize("broken", [OSError("away"), KeyError("nonsense")])
def test_one_that_nobody_takes_is_tried_for_a_day_and_then_gone(den: Den, broken: Exception) -> None:
    _owe(den, Frame("frames", "one.jpg", b"jpeg"), FRAME)
    den.s3.broken, begun = broken, den.clock.now
    while den.streams.messages.owed():
        den.send()
        den.clock.now += 600
    assert GIVEN_UP_AFTER - 7200 < den.clock.now - begun <= GIVEN_UP_AFTER + 7200
    assert den.streams.messages.dropped() == 1


def test_where_too_much_waits_of_a_search_the_oldest_goes_and_is_counted(
    den: Den, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "MOST_FOUND", {KINESIS: 3, WEBHOOK: 2})
    den.records.broken = OSError("away")
    for number in range(5):
        _found(den, number)
        _found(den, number, kind=WEBHOOK)
        _found(den, number + 10, f"{SEARCH}-2")
        _owe(den, Records(RECORDS, "door", [b"nobody"]), KINESIS)
    den.send()
    assert [words for _, words, _ in den.hook.taken] == ["3", "4"]
    assert den.streams.messages.owed(kind=KINESIS) == 3 + 3 + 5
    assert den.streams.messages.dropped() == 2 + 3 + 2
    den.records.broken = None
    den.clock.now += 60
    den.send()
    assert sorted(record for _, _, _, (record,) in den.records.taken) == sorted(
        [b"2", b"3", b"4", b"12", b"13", b"14", *[b"nobody"] * 5]
    )


def test_what_a_search_found_is_told_only_as_long_as_what_allowed_it_does(den: Den) -> None:
    allowed = {SEARCH: "until Monday", f"{SEARCH}-2": "until Monday"}
    den.streams.messages.searches = lambda: allowed
    for number, search in enumerate((SEARCH, f"{SEARCH}-2")):
        _found(den, number, search)
        _found(den, number, search, WEBHOOK)
    _owe(den, Message(den.hook.address, "a cat"), WEBHOOK)
    # Another motion, on the same search, is not what these were found under.
    allowed[SEARCH] = "until Friday"
    den.send()
    assert [record for _, _, _, (record,) in den.records.taken] == [b"1"]
    assert [words for _, words, _ in den.hook.taken] == ["1", "a cat"]
    assert (den.streams.messages.owed(), den.streams.messages.dropped()) == (0, 2)


def test_what_a_search_found_is_gone_with_what_allowed_it_while_nobody_takes_it(den: Den) -> None:
    allowed = {SEARCH: "until Monday"}
    den.streams.messages.searches = lambda: allowed
    den.records.broken = OSError("away")
    _found(den, 1)
    _owe(den, Records(RECORDS, "door", [b"nobody"]), KINESIS)
    den.send()
    assert (den.streams.messages.expire(), den.streams.messages.owed()) == (0, 2)
    allowed.clear()
    assert (den.streams.messages.expire(), den.streams.messages.owed()) == (1, 1)
    assert den.streams.messages.dropped() == 1


def test_what_is_about_somebody_who_was_erased_is_not_sent(den: Den) -> None:
    gallery = den.rooms.gallery
    for whose in ("external/alice", "external/bob", "external/carl"):
        _owe(den, Records(RECORDS, "door", [whose.encode()]), KINESIS, whose=whose)
    den.streams.messages.forget(ORGANIZATION, "external/alice")
    gallery.destroy_person_key(ORGANIZATION, "external/bob")
    den.send()
    assert [each[3] for each in den.records.taken] == [[b"external/carl"]]
    assert den.streams.messages.owed() == 0


def test_one_that_was_changed_in_the_database_is_not_sent(den: Den) -> None:
    _owe(den, Message(TOPIC, "one"), SNS)
    _owe(den, Message(TOPIC, "two"), SNS)
    with den.streams.processors.engine.begin() as connection:
        one, two = connection.execute(text("SELECT sealed FROM stream_messages ORDER BY id")).scalars()
        connection.execute(
            text("UPDATE stream_messages SET sealed = :other WHERE sealed = :own"), {"other": two, "own": one}
        )
    # What a search found does not become what anybody may be told.
    _found(den, 1)
    with den.streams.processors.engine.begin() as connection:
        connection.execute(text("UPDATE stream_messages SET search = NULL WHERE search IS NOT NULL"))
    den.send()
    assert [each[2] for each in den.topic.taken] == ["two"]
    assert den.records.taken == []
