"""Whoever a search finds is told so, at once or after the delay that is stated, once, and with a token for /me."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook as Checking

from regard.jobs.webhooks import Webhook
from regard.operations.common.errors import ApiError
from regard.stewardship.people.matches.notices import HOUR, KEPT_SECONDS, Notice, posting
from regard.stewardship.people.subject_tokens import SubjectTokens
from regard.stewardship.policy import vocabulary
from regard.stewardship.records import tables
from tests.helpers.fakes import Clock
from tests.helpers.hooks import SECRET, taking
from tests.helpers.peopled import House

ALICE, BOB = 1, 2


class Party(House):
    """A house that keeps pictures of guests, and tells them a day after they were found."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self.as_of("photo-library")

    def as_of(self, purpose: str) -> None:
        self.caller = self.organizations.issue_key(self.organization, purpose).caller

    def told(self) -> list[str]:
        return [notice.subject for notice in self.found_notices.take(self.caller)]


@pytest.fixture
def party(tmp_path: Path) -> Iterator[Party]:
    party = Party(tmp_path / "data", Clock())
    party.collection("guests", **{"regard:notice-hours": "24"})
    for number, name in ((ALICE, "alice"), (BOB, "bob")):
        party.index("guests", number, name=name, mark=number)
    yield party
    party.close()


def test_whoever_is_found_is_told_after_the_delay_and_once(party: Party) -> None:
    party.search("guests", ALICE)
    party.search("guests", ALICE)
    party.clock.now += 24 * HOUR - 1
    assert party.told() == []
    party.clock.now += 1
    assert party.told() == ["alice"]
    assert party.told() == []
    party.search("guests", ALICE)
    party.clock.now += 24 * HOUR
    assert party.told() == ["alice"]


def test_the_token_in_it_speaks_for_whoever_was_found(party: Party) -> None:
    party.search("guests", BOB)
    party.clock.now += 24 * HOUR
    (notice,) = party.found_notices.take(party.caller)
    bearer = SubjectTokens(party.engine, party.clock).redeem(notice.token)
    assert (bearer.organization, bearer.subject) == (party.organization, "bob")
    told = json.loads(party.access.export(party.organization, "external/bob").json)["events"]
    assert [each["operation"] for each in told][-1] == "notice handed over"
    assert notice.request in {each.get("request_id") for each in told}


def test_the_log_counts_them_and_names_nobody(party: Party) -> None:
    party.search("guests", ALICE)
    party.search("guests", BOB)
    party.clock.now += 24 * HOUR
    assert sorted(party.told()) == ["alice", "bob"]
    entries = [entry for entry in party.entries() if entry["kind"] == "regard/notice"]
    assert [entry["purpose"] for entry in entries] == ["photo-library"] * 2
    assert b"alice" not in party.log()


def test_nobody_is_told_where_nobody_was_to_be(party: Party) -> None:
    party.collection("friends")
    party.index("friends", ALICE, name="alice")
    party.index("guests", ALICE)
    party.search("friends", ALICE)
    party.clock.now += 1000 * HOUR
    assert party.told() == []


def test_the_purpose_says_what_counts_and_a_collection_may_only_be_sooner(party: Party) -> None:
    assert vocabulary.purposes()["event-photography"].notice == 0
    assert vocabulary.purposes()["photo-library"].notice is None
    party.as_of("fraud-prevention")

    def hours(name: str, **tags: str) -> str:
        party.collection(name, "attested", **tags)
        arn = f"arn:aws:rekognition:us-east-1:{party.organization}:collection/{name}"
        return str(party.ask("ListTagsForResource", ResourceArn=arn)[0]["Tags"]["regard:notice-hours"])

    assert (hours("a"), hours("b", **{"regard:notice-hours": "48"})) == ("720", "48")
    arn = f"arn:aws:rekognition:us-east-1:{party.organization}:collection/b"
    for value in ("49", "-1", "x", "721"):
        with pytest.raises(ApiError, match="reserved-tags"):
            party.ask("TagResource", ResourceArn=arn, Tags={"regard:notice-hours": value})
    party.ask("TagResource", ResourceArn=arn, Tags={"regard:notice-hours": "0"})


def test_who_waits_for_two_people_is_told_once_they_confirmed(party: Party) -> None:
    party.as_of("access-control")
    party.collection("doors", "attested", **{"regard:notice-hours": "0"})
    party.index("doors", ALICE, name="alice")
    party.search("doors", ALICE)
    assert party.told() == []
    for name in ("ada", "ben"):
        secret = party.reviews.reviewers.appoint(party.organization, name)
        reviewer = party.reviews.reviewers.log_in(party.organization, name, secret)
        (candidate,) = party.reviews.pending(reviewer)
        party.reviews.decide(reviewer, candidate.id, same=True)
    assert len(party.search("doors", ALICE)) == 1
    assert party.told() == ["alice"]


def test_another_organization_takes_none_and_an_erasure_takes_all(party: Party) -> None:
    party.search("guests", ALICE)
    party.clock.now += 24 * HOUR
    other = party.organizations.register("Another", "other")
    stranger = party.organizations.issue_key(other.id, "photo-library").caller
    assert party.found_notices.take(stranger) == []
    party.erase("alice")
    assert party.told() == []
    with party.engine.connect() as connection:
        assert connection.execute(select(tables.found_notices)).all() == []


def test_what_nobody_takes_for_a_month_is_let_go_of(party: Party) -> None:
    party.search("guests", ALICE)
    party.clock.now += 24 * HOUR + KEPT_SECONDS
    assert (party.found_notices.expire(), party.told()) == (1, [])


def test_a_webhook_is_tried_until_it_takes_a_notice_and_for_a_day(party: Party) -> None:
    party.search("guests", ALICE)
    party.clock.now += 24 * HOUR
    taken: list[tuple[str, str]] = []

    def broken(_organization: str, _notice: Notice) -> None:
        raise OSError("it answers 503")

    def working(organization: str, notice: Notice) -> None:
        taken.append((organization, notice.subject))

    assert party.found_notices.send(broken) == 0
    with party.engine.connect() as connection:
        assert connection.execute(select(tables.subject_tokens)).all() == []
    assert (party.found_notices.send(working), party.found_notices.send(working)) == (1, 0)
    assert (taken, party.told()) == ([(party.organization, "alice")], [])
    party.search("guests", BOB)
    party.clock.now += 48 * HOUR
    assert party.found_notices.send(working) == 0
    assert party.told() == ["bob"]


def test_a_webhook_gets_the_page_and_a_token_and_checks_who_sent_it(party: Party) -> None:
    party.search("guests", ALICE)
    party.clock.now += 24 * HOUR
    with taking() as (address, came):
        # The clock of whoever checks is not the one that tests move.
        assert party.found_notices.send(posting(Webhook(address, SECRET))) == 1
    ((headers, body),) = came
    told = Checking(SECRET).verify(body, headers)
    assert (told["type"], told["data"]["Subject"], told["data"]["Page"]) == ("person.found", "alice", "/me")
    bearer = SubjectTokens(party.engine, party.clock).redeem(told["data"]["Token"])
    assert bearer.subject == "alice"
