"""Proposing, voting and stopping over HTTP: the signature of a member is all that counts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from regard.ledger.tree.notes import Note, Signer, sign_note
from regard.pages.pages import pages
from regard.pages.public.stewardship import stewardship_pages
from regard.pages.public.tries import MOST_NAMES, TooMany, Tries
from regard.pages.public.votes import (
    ACTS_AN_HOUR,
    BALLOTS,
    MOST_MOTION_BYTES,
    MOTIONS,
    READINGS,
    SUSPENSIONS,
    TRIES_A_MINUTE,
    vote_pages,
)
from regard.stewardship.council.motions import Ballot, Kind, Motion, Vote
from regard.stewardship.council.readings import Reading
from regard.stewardship.council.suspensions import Suspension
from regard.wire.metrics import Metrics
from tests.helpers.stewarding import Stewardship

FLOOR = {"purpose": "photo-library", "floor": 85}


class Client:
    """Somebody at an address, an hour or a minute later if they say so."""

    def __init__(self, room: Stewardship) -> None:
        self.seconds = 0.0
        self.address = "192.0.2.1"
        self._app = pages(Metrics(), lambda: None, vote_pages(room.council, clock=lambda: self.seconds))

    def post(self, path: str, body: bytes) -> httpx.Response:
        async def ask() -> httpx.Response:
            way = httpx.ASGITransport(self._app, client=(self.address, 50_000))
            async with httpx.AsyncClient(transport=way, base_url="http://regard.test") as client:
                return await client.post(path, content=body)

        return asyncio.run(ask())


@pytest.fixture
def client(room: Stewardship) -> Client:
    return Client(room)


def drafted(room: Stewardship, **other: Any) -> Motion:
    return msgspec.structs.replace(room.council.draft(Kind.FLOOR, "A floor", FLOOR, "operator"), **other)


def ballot(room: Stewardship, on: Motion, **other: Any) -> Ballot:
    made = Ballot(on.hash, "operator", Vote.APPROVE, "", int(room.now))
    return msgspec.structs.replace(made, **other)


def stop(room: Stewardship, **other: Any) -> Suspension:
    now = int(room.now)
    made = Suspension("identify", "operator", "a false arrest", now, now + 3600, room.council.law().genesis)
    return msgspec.structs.replace(made, **other)


def test_a_motion_is_proposed_and_carried_from_afar(room: Stewardship, client: Client) -> None:
    motion = drafted(room)
    answer = client.post(MOTIONS, motion.signed(room.signer))
    assert (answer.status_code, answer.json()) == (201, {"motion": motion.hash})
    answer = client.post(BALLOTS, ballot(room, motion).signed(motion, room.signer))
    assert (answer.status_code, answer.json()) == (201, {"outcome": "carried", "missing": ""})
    assert room.council.law().floors == {"photo-library": 85.0}


def test_a_capability_is_stopped_from_afar(room: Stewardship, client: Client) -> None:
    answer = client.post(SUSPENSIONS, sign_note(stop(room).text(), [room.signer]))
    assert (answer.status_code, answer.json()) == (201, {"capability": "identify", "ends": int(room.now) + 3600})
    assert [each.reason for each in room.council.suspensions()] == ["a false arrest"]


def test_what_was_sent_before_counts_once(room: Stewardship, client: Client) -> None:
    motion = drafted(room)
    client.post(MOTIONS, motion.signed(room.signer))
    sent = [
        (MOTIONS, motion.signed(room.signer)),
        (SUSPENSIONS, sign_note(stop(room).text(), [room.signer])),
    ]
    client.post(*sent[1])
    assert [client.post(*each).status_code for each in sent] == [409, 409]
    # A day after a stop may be made anew, an old one is too old.
    room.now += 14 * 86_400
    answer = client.post(*sent[1])
    assert (answer.status_code, "does not begin now" in answer.json()["cause"]) == (400, True)
    assert room.council.suspensions() == []


def test_a_member_votes_once(room: Stewardship, client: Client) -> None:
    charter = msgspec.to_builtins(room.council.law().charter)
    ben = Signer.generate("ben")
    charter["members"] = [*charter["members"], {"name": "ben", "role": "auditor", "key": str(ben.verifier)}]
    first = room.council.draft(Kind.CHARTER, "two", {"charter": charter}, "operator")
    room.council.propose(first.signed(room.signer))
    room.council.vote(first, Vote.APPROVE, "", room.signer)
    motion = drafted(room)
    client.post(MOTIONS, motion.signed(room.signer))
    refusal = ballot(room, motion, member="ben", vote=Vote.REFUSE, reason="no").signed(motion, ben)
    assert client.post(BALLOTS, refusal).json() == {"outcome": "open", "missing": "1 more"}
    for again in (refusal, ballot(room, motion, member="ben").signed(motion, ben)):
        assert client.post(BALLOTS, again).status_code == 409
    # Nor for somebody else.
    assert client.post(BALLOTS, ballot(room, motion, member="operator").signed(motion, ben)).status_code == 400


def test_what_no_member_signed_is_refused_before_anything_is_read(room: Stewardship, client: Client) -> None:
    room.council.law()
    stranger, motion = Signer.generate("operator"), drafted(room)
    room.council.propose(motion.signed(room.signer))
    for path, note in (
        (MOTIONS, motion.signed(stranger)),
        (BALLOTS, ballot(room, motion).signed(motion, stranger)),
        (SUSPENSIONS, sign_note(stop(room).text(), [stranger])),
        (READINGS, sign_note("regard.reading/v1\n{}\n", [stranger])),
    ):
        answer = client.post(path, note)
        assert (answer.status_code, "No member of the council signed this" in answer.json()["cause"]) == (403, True)
    assert room.council.suspensions() == []
    assert len(room.council.dockets()) == 1


def test_another_chain_or_another_text_is_refused(tmp_path: Path, room: Stewardship, client: Client) -> None:
    elsewhere = "0" * 64
    motion = drafted(room)
    client.post(MOTIONS, motion.signed(room.signer))
    changed = msgspec.structs.replace(motion, payload=FLOOR | {"floor": 1})
    wrong = {
        "another motion carried": (MOTIONS, drafted(room, previous=elsewhere).signed(room.signer)),
        "not for this council": (SUSPENSIONS, sign_note(stop(room, genesis=elsewhere).text(), [room.signer])),
        "genesis is": (SUSPENSIONS, sign_note(stop(room, genesis="").text(), [room.signer])),
        "another text": (BALLOTS, ballot(room, motion).signed(changed, room.signer)),
        "at most": (SUSPENSIONS, sign_note(stop(room, ends=int(room.now) + 10**7).text(), [room.signer])),
        "not begin now": (SUSPENSIONS, sign_note(stop(room, begins=int(room.now) + 600).text(), [room.signer])),
        "says why": (SUSPENSIONS, sign_note(stop(room, reason=" ").text(), [room.signer])),
        "NUL": (MOTIONS, drafted(room, title="\0").signed(room.signer)),
        "begins with regard.motion/v1": (MOTIONS, sign_note(stop(room).text(), [room.signer])),
        "begins with regard.ballot/v1": (BALLOTS, motion.signed(room.signer)),
        "no purpose": (MOTIONS, drafted(room, payload={"purpose": [], "floor": 1}).signed(room.signer)),
    }
    for number, (cause, (path, note)) in enumerate(wrong.items()):
        client.address = f"192.0.2.{number}"
        answer = client.post(path, note)
        assert (answer.status_code, cause in answer.json()["cause"]) == (400, True), answer.text
    unknown = ballot(room, motion, motion=elsewhere).signed(motion, room.signer)
    assert client.post(BALLOTS, unknown).status_code == 404


def test_a_stop_signed_for_another_service_stops_nothing_here(tmp_path: Path, room: Stewardship) -> None:
    other = Stewardship(tmp_path / "other")
    charter = msgspec.to_builtins(other.council.law().charter)
    charter["members"] = [{"name": "operator", "role": "operator", "key": str(room.signer.verifier)}]
    motion = other.council.draft(Kind.CHARTER, "the same operator", {"charter": charter}, "operator")
    other.council.propose(motion.signed(other.signer))
    other.council.vote(motion, Vote.APPROVE, "", other.signer)
    note = sign_note(stop(room).text(), [room.signer])
    assert Client(other).post(SUSPENSIONS, note).status_code == 400
    assert Client(room).post(SUSPENSIONS, note).status_code == 201
    other.logbook.close()


def test_signatures_of_strangers_below_a_note_are_not_kept(room: Stewardship, client: Client) -> None:
    motion = drafted(room)
    strangers = [Signer.generate(f"stranger-{number}") for number in range(50)]
    assert client.post(MOTIONS, sign_note(motion.text, [*strangers, room.signer])).status_code == 201
    with room.engine.connect() as connection:
        (kept,) = connection.exec_driver_sql("SELECT note FROM motions WHERE outcome IS NULL").scalars()
    assert [signature.name for signature in Note.parse(bytes(kept)).signatures] == ["operator"]


def test_members_read_a_motion_that_names_somebody_and_nobody_else_does(room: Stewardship, client: Client) -> None:
    acme = room.organizations.register("Acme", "retail")
    payload = {"organization": acme.id, "standing": "refused"}
    motion = room.council.draft(Kind.ADMISSION, "No more of Acme", payload, "operator")
    client.post(MOTIONS, motion.signed(room.signer))
    asked = Reading(motion.hash, "operator", int(room.now), room.council.law().genesis)
    answer = client.post(READINGS, sign_note(asked.text(), [room.signer]))
    assert (answer.status_code, answer.json()["title"]) == (200, "No more of Acme")
    for wrong in ({"at": asked.at - 301}, {"at": asked.at + 61}, {"genesis": "0" * 64}, {"member": "ben"}):
        note = sign_note(msgspec.structs.replace(asked, **wrong).text(), [room.signer])
        refused = client.post(READINGS, note)
        assert (refused.status_code, "Acme" in refused.text) == (400, False)


@pytest.mark.parametrize("path", [MOTIONS, BALLOTS, SUSPENSIONS, READINGS])
@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\n\n\n", b"text\n\n\xe2\x80\x94 operator x\n", b"\0" * 1000])
def test_what_is_no_note_is_refused_with_the_cause(client: Client, path: str, body: bytes) -> None:
    answer = client.post(path, body)
    assert (answer.status_code, "signed note" in answer.json()["cause"]) == (400, True)


def test_a_wrong_method_is_told_all_that_are_right(room: Stewardship) -> None:
    both = pages(Metrics(), lambda: None, [*stewardship_pages(room.council), *vote_pages(room.council)])

    async def put() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(both), base_url="http://regard.test") as client:
            return await client.put(MOTIONS)

    answer = asyncio.run(put())
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_a_note_is_bounded(client: Client) -> None:
    assert client.post(MOTIONS, b"x" * (MOST_MOTION_BYTES + 1)).status_code == 413


def test_a_network_that_knocks_too_often_waits_and_others_do_not(room: Stewardship, client: Client) -> None:
    assert [client.post(MOTIONS, b"x").status_code for _ in range(TRIES_A_MINUTE)] == [400] * TRIES_A_MINUTE
    late = client.post(MOTIONS, drafted(room).signed(room.signer))
    assert (late.status_code, 0 < int(late.headers["retry-after"]) <= 60) == (429, True)
    client.address = "192.0.2.2"
    assert client.post(MOTIONS, drafted(room).signed(room.signer)).status_code == 201
    client.address, client.seconds = "192.0.2.1", 60.0
    assert client.post(MOTIONS, b"x").status_code == 400


@pytest.mark.long
def test_a_member_acts_so_often_an_hour_and_nobody_uses_that_up_for_them(room: Stewardship, client: Client) -> None:
    sent = drafted(room).signed(room.signer)
    client.post(MOTIONS, sent)
    codes = set()
    for number in range(2, ACTS_AN_HOUR + 3):
        client.address = f"192.0.2.{number}"
        # Whoever found the note in public sends it again: that takes nothing from its member.
        assert client.post(MOTIONS, sent).status_code in (409, 429)
        codes.add(last := client.post(MOTIONS, drafted(room, title=f"Motion {number}").signed(room.signer)).status_code)
        assert (last == 201) == (number <= ACTS_AN_HOUR)
    assert codes == {201, 429}


def test_a_flood_of_addresses_takes_no_memory_without_end() -> None:
    tries = Tries(2, 60, lambda: 0.0)
    for number in range(MOST_NAMES + 2):
        tries.count(str(number))
    assert len(tries._counted) == MOST_NAMES + 1
    with pytest.raises(TooMany):
        tries.count("one more")
    tries.count("0")


def test_where_no_policy_is_in_force_nothing_is_taken(room: Stewardship, client: Client) -> None:
    note = drafted(room).signed(room.signer)
    with room.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE motions SET hash = 'x'")
    assert client.post(MOTIONS, note).status_code == 503
