"""Every way round the rule against live face search, in a house with its policy, council, consents and log: what was
allowed a frame ago ends before the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from regard.stewardship.council.motions import Kind
from regard.stewardship.parties.organization import Standing
from regard.stewardship.staff.staff import Role
from regard.streams.messages import KINESIS, Records
from tests.helpers.doors import DAY
from tests.helpers.fakes import picture_of
from tests.helpers.works import ADDRESS, WHO, Works

pytestmark = pytest.mark.sqlite("each table behind it is tested on both databases where it is")


def _lapse(works: Works, _name: str) -> Callable[[], None]:
    clock, works.matters._clock = works.matters._clock, lambda: time.time() + DAY + 1
    return lambda: setattr(works.matters, "_clock", clock)


def _voted_down(works: Works, name: str) -> None:
    works.carry(Kind.LIVE_SEARCH, allowed=False, processor=works.arn(name))


def _suspend(works: Works, capability: str) -> Callable[[], None]:
    works.council.suspend(capability, "it looked at the street", works.signer)
    return lambda: works.carry(Kind.SUSPENSION, capability=capability, suspended=False)


def _suspend_by_motion(works: Works) -> Callable[[], None]:
    works.carry(Kind.SUSPENSION, capability="search-live", suspended=True)
    return lambda: works.carry(Kind.SUSPENSION, capability="search-live", suspended=False)


def _lead_to(works: Works, address: str) -> Callable[[], None]:
    works.streams.sources.put(works.stream, address)
    return lambda: works.streams.sources.put(works.stream, ADDRESS)


def _remove_source(works: Works) -> Callable[[], None]:
    works.streams.sources.remove(works.stream)
    return lambda: works.streams.sources.put(works.stream, ADDRESS)


def _revoke(works: Works, _name: str) -> Callable[[], None]:
    works.keys.revoke(works.caller.access_key_id)
    works.caller = works.key()
    return lambda: None


def _swap(works: Works, _name: str) -> None:
    works.ask("DeleteCollection", CollectionId="staff")
    works.collect()


def _refuse(works: Works, _name: str) -> Callable[[], None]:
    works.admission.decide(works.organization, Standing.REFUSED, "operator", "a complaint")
    return lambda: works.admission.decide(works.organization, Standing.ADMITTED, "operator", "it was heard")


def _erase(works: Works) -> Callable[[], None]:
    works.house.holdings.erasure.erase(works.organization, "external/alice")
    return lambda: _swap(works, "")


def _take_back(works: Works) -> Callable[[], None]:
    for receipt in works.consents.all(works.organization):
        works.consents.withdraw(works.organization, receipt.consent.receipt_id)
    return lambda: _swap(works, "")


def _enrol_a_stranger(works: Works, _name: str) -> Callable[[], None]:
    assert works.refusal("IndexFaces", CollectionId="staff", Image={"Bytes": picture_of(2)}, ExternalImageId="bob") == (
        "AccessDeniedException consent-needs-receipt"
    )
    works.index_behind_the_gate(2, "bob")
    return lambda: _swap(works, "")


def _allow_another_collection(works: Works, name: str) -> Callable[[], object]:
    works.collect("guests")
    works.allow(name, collection="guests")
    return lambda: works.ask("DeleteCollection", CollectionId="guests")


def _raise_the_floor(works: Works, _name: str) -> Callable[[], None]:
    works.carry(Kind.FLOOR, purpose="access-control", floor=99.95)
    return lambda: works.carry(Kind.FLOOR, purpose="access-control", floor=99.0)


def _edit(works: Works, edit: str, back: str, where: str) -> Callable[[], None]:
    """Edit the database behind the service, and put it back."""

    def put(what: str) -> None:
        with works.streams.processors.engine.begin() as connection:
            assert connection.execute(text(f"UPDATE {what} WHERE {where}")).rowcount

    put(edit)
    return lambda: put(back)


def _edit_the_basis(works: Works, _name: str) -> Callable[[], None]:
    attested, consent = (f"collection_tags SET value = '{basis}'" for basis in ("attested", "consent"))
    return _edit(works, attested, consent, "key = 'regard:basis'")


def _prolong_a_consent(works: Works, _name: str) -> Callable[[], None]:
    longer, shorter = (f"consents SET expires_at = expires_at {by}" for by in ("+ 86400", "- 86400"))
    return _edit(works, longer, shorter, "withdrawn_at IS NULL")


def _expire_the_key(works: Works, _name: str) -> Callable[[], None]:
    assert works.rooms.standing is not None
    standing, clock = works.rooms.standing, works.rooms.standing._clock
    standing._clock = lambda: time.time() + 91 * DAY
    return lambda: setattr(standing, "_clock", clock)


def _stopped_by_a_member(works: Works, name: str) -> None:
    member = works.console.somebody(f"may-{name}", Role.COUNCIL)
    assert member.post("/console/streams/stopped", {"processor": works.arn(name)}).status_code == 303


# What is done after the first frame, and what the processor has come to before the second.
WAYS: dict[str, tuple[Callable[[Works, str], Any], str, str]] = {
    "nothing": (lambda _works, _name: None, "STOPPED", ""),
    "the motion lapsed": (_lapse, "FAILED", "no-live-face-search"),
    "the motion was ended by another": (_voted_down, "FAILED", "no-live-face-search"),
    "a member suspended live search": (lambda works, _: _suspend(works, "search-live"), "FAILED", "suspended"),
    "a member suspended identification": (lambda works, _: _suspend(works, "identify"), "FAILED", "suspended"),
    "another camera": (lambda works, _: _lead_to(works, "rtsp://square.example/1"), "FAILED", "no-live-face-search"),
    "a pipe instead": (lambda works, _: _lead_to(works, "-"), "FAILED", "no-live-face-search"),
    "no camera": (lambda works, _: _remove_source(works), "FAILED", "no-live-face-search"),
    "the collection swapped": (_swap, "FAILED", "another collection than when it was started"),
    "the key revoked": (_revoke, "FAILED", "revoked-key"),
    "the key expired": (_expire_the_key, "FAILED", "revoked-key"),
    "the organization refused": (_refuse, "FAILED", "no-refused-organization"),
    "somebody enrolled behind the gate": (_enrol_a_stranger, "FAILED", "live-search-needs-consent"),
    "the motion is about another collection now": (_allow_another_collection, "FAILED", "no-live-face-search"),
    "the floor raised above its threshold": (_raise_the_floor, "FAILED", "floor-where-rights-are-at-stake"),
    "the collection's basis edited": (_edit_the_basis, "FAILED", "were changed behind the service"),
    "a consent made to last longer": (_prolong_a_consent, "FAILED", "live-search-needs-consent"),
    "stopped": (lambda works, name: works.ask("StopStreamProcessor", Name=name), "STOPPED", ""),
    "stopped by a member of the council in the console": (_stopped_by_a_member, "STOPPED", ""),
}


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGARD_KINESIS_ALLOWED", "*=arn:aws:kinesis:")
        made = Works(tmp_path_factory.mktemp("works"))
        yield made
        made.console.close()


@pytest.mark.long
def test_every_way_round_ends_it_before_the_next_frame(works: Works) -> None:
    for way, (act, status, told) in WAYS.items():
        name = works.started()
        undo: list[Any] = []

        def frames(name: str = name, act: Callable[[Works, str], Any] = act, undo: list[Any] = undo) -> Iterator[Any]:
            yield 0.0, WHO
            undo.append(act(works, name))
            yield 0.0, WHO
            yield EOFError()

        looked = works.run(frames())
        for each in undo:
            if each is not None and callable(each):
                each()
        found, cause = works.status(name)
        assert (way, found, told in cause, looked) == (way, status, True, 2 if way == "nothing" else 1), cause


def test_whoever_takes_their_consent_back_is_not_looked_for_in_the_next_frame(works: Works) -> None:
    name = works.started()

    def frames() -> Iterator[Any]:
        yield 0.0, WHO
        _take_back(works)
        yield 0.0, WHO
        yield EOFError()

    looked = works.run(frames())
    terms = works.matters._collections.terms(works.organization, "staff")
    _swap(works, "")
    # Their faces are let go of at once: where that was quicker than the frame, there was nobody to be looked for.
    assert terms is not None
    status, cause = works.status(name)
    ended = (status, looked, "live-search-needs-consent" in cause) == ("FAILED", 1, True)
    assert ended or (status, looked, terms.faces) == ("STOPPED", 2, 0)


def test_what_lapsed_while_nobody_worked_on_it_looks_at_not_one_frame(works: Works) -> None:
    name = works.started()
    undo = _lapse(works, name)
    try:
        assert works.run(iter([(0.0, WHO), EOFError()])) == 0
    finally:
        undo()
    status, cause = works.status(name)
    assert (status, "no-live-face-search" in cause) == ("FAILED", True)


def test_one_that_names_no_threshold_is_allowed_from_the_floor_of_its_purpose_on(works: Works) -> None:
    name = works.started()
    works.run(iter([EOFError()]))
    works.ask("DeleteStreamProcessor", Name=name)
    works.ask("CreateStreamProcessor", **works.given(name) | {"Settings": {"FaceSearch": {"CollectionId": "staff"}}})
    works.ask("StartStreamProcessor", Name=name)
    assert works.run(iter([(0.0, WHO), EOFError()])) == 1
    assert works.status(name) == ("STOPPED", "")


def test_a_camera_that_one_search_may_use_is_not_open_to_another(works: Works) -> None:
    name = works.started()
    works.collect("guests")
    guests = works.given("guests") | {"Settings": {"FaceSearch": {"CollectionId": "guests"}}}
    stream = works.stream.replace("stream/door", "stream/again")
    works.streams.sources.put(stream, ADDRESS)
    again = works.given("again") | {"Input": {"KinesisVideoStream": {"Arn": stream}}}
    for given in (guests, again):
        assert works.refusal("CreateStreamProcessor", **given) == "AccessDeniedException no-live-face-search"
    works.ask("StopStreamProcessor", Name=name)
    assert works.run(iter([(0.0, WHO)])) == 0
    works.ask("DeleteStreamProcessor", Name=name)
    # Nor by the name that the motion has.
    for given in (guests, again):
        assert works.refusal("CreateStreamProcessor", **given | {"Name": name}) == (
            "AccessDeniedException no-live-face-search"
        )
    works.ask("DeleteCollection", CollectionId="guests")


# What is done while nobody takes what a search found, after which nobody shall.
ENDS: dict[str, Callable[[Works, str], Any]] = {
    "the motion lapsed": _lapse,
    "the motion was ended by another": _voted_down,
    "another motion, for another place": lambda works, name: works.allow(name, place="The canteen of the works"),
    "the council suspended live search": lambda works, _: _suspend_by_motion(works),
    "the organization refused": _refuse,
    "somebody erased": lambda works, _: _erase(works),
    "somebody took their consent back": lambda works, _: _take_back(works),
}


@pytest.mark.long
@pytest.mark.parametrize("end", list(ENDS))
def test_what_was_found_is_owed_to_nobody_once_nothing_allows_it(works: Works, end: str) -> None:
    name, messages = works.started(), works.streams.messages
    records = Records("arn:aws:kinesis:us-east-1:111122223333:stream/AmazonRekognitionDoor", name, [b"alice"])
    with works.streams.processors.engine.begin() as connection:
        messages.owe(connection, works.organization, records, KINESIS, whose="external/alice", search=works.arn(name))
    works.house.holdings.retention.sweep()
    assert messages.owed() == 1
    undo = ENDS[end](works, name)
    try:
        works.house.holdings.retention.sweep()
        assert messages.owed() == 0
    finally:
        if undo is not None:
            undo()
        works.run(iter([EOFError()]))


def test_what_would_make_another_search_of_one_that_runs_is_refused(works: Works) -> None:
    name = works.started()
    updates: list[dict[str, Any]] = [
        {"SettingsForUpdate": {"ConnectedHomeForUpdate": {"Labels": ["PERSON"]}}},
        {"ParametersToDelete": ["RegionsOfInterest"]},
    ]
    refused: dict[str, str] = {}

    def frames() -> Iterator[Any]:
        yield 0.0, WHO
        for number, update in enumerate(updates):
            refused[f"update {number}"] = works.refusal("UpdateStreamProcessor", Name=name, **update)
        refused["delete"] = works.refusal("DeleteStreamProcessor", Name=name)
        refused["make again"] = works.refusal("CreateStreamProcessor", **works.given(name))
        refused["start again"] = works.refusal("StartStreamProcessor", Name=name)
        refused["another name"] = works.refusal("CreateStreamProcessor", **works.given("gate"))
        refused["another region"] = works.refusal("CreateStreamProcessor", "eu-west-1", **works.given("gate"))
        yield 0.0, WHO
        yield EOFError()

    assert works.run(frames()) == 2
    assert refused == {
        "update 0": "InvalidParameterException",
        "update 1": "InvalidParameterException",
        "delete": "ResourceInUseException",
        "make again": "ResourceInUseException",
        "start again": "ResourceInUseException",
        "another name": "AccessDeniedException no-live-face-search",
        "another region": "AccessDeniedException no-live-face-search",
    }


def test_a_processor_made_again_in_another_region_is_another_than_the_motion_names(works: Works) -> None:
    name = works.started()
    works.run(iter([EOFError()]))
    works.ask("DeleteStreamProcessor", Name=name)
    assert works.refusal("CreateStreamProcessor", "eu-west-1", **works.given(name)) == (
        "AccessDeniedException no-live-face-search"
    )
    works.ask("CreateStreamProcessor", **works.given(name))


def test_a_film_and_a_pipe_are_no_cameras_that_a_motion_could_name(works: Works, tmp_path: Path) -> None:
    film = tmp_path / "door.mp4"
    film.touch()
    for address in ("-", str(film), f"file://{film}"):
        undo = _lead_to(works, address)
        assert works.streams.sources.camera(works.stream) == ""
        undo()
    assert works.streams.sources.camera(works.stream) != ""
