"""The page of live video: what looks at which camera and how it fares, and who may stop it."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from regard.stewardship.staff.staff import Role
from tests.helpers.consoled import Console, Somebody
from tests.helpers.streaming import FACES, HOME, begun

pytestmark = pytest.mark.sqlite("rows of processors are tested on both databases where they are")
PAGE, STOPPED = "/console/streams", "/console/streams/stopped"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    made = Console(tmp_path_factory.mktemp("console"))
    yield made
    made.close()


def _made(console: Console, name: str, given: dict[str, Any], organization: str = "") -> str:
    """A processor with a session; its ARN."""
    return begun(console.house.holdings.streams, organization or console.organization, name, given)


def _row(somebody: Somebody, name: str) -> str:
    """The row of a processor, as text."""
    page = html.unescape(somebody.get(PAGE).text)
    assert "secret" not in page
    assert "camera.example.org" not in page
    return next((each for each in page.split("<tr>") if f'<th scope="row">{name}' in each), "")


def test_a_processor_is_shown_with_its_state_its_lag_and_its_last_message_but_no_credentials(console: Console) -> None:
    ada, processors = console.somebody(), console.house.holdings.streams.processors
    assert "There are no stream processors" in ada.get(PAGE).text
    arn = _made(console, "hall", HOME)
    row = _row(ada, "hall")
    assert "PERSON, PET" in row
    assert f"arn:aws:kinesisvideo:us-east-1:{console.organization}:stream/hall/1" in row
    assert "STARTING" in row
    assert "nobody works on it yet" in row
    assert 'class="whole">none<' in row
    own = processors.begin(processors.get(console.organization, "hall").id, "one")
    processors.beat(own.id, "one", 0.34)
    assert own.session is not None
    with processors.engine.begin() as connection:
        processors.change(connection, own, session=msgspec.structs.replace(own.session, told_at=1_000_000_000.0))
    row = _row(ada, "hall")
    assert "0.3 s" in row
    assert "2001-09-09 01:46" in row
    assert ada.post(STOPPED, {"processor": arn}).status_code == 303
    assert processors.get(console.organization, "hall").status == "STOPPING"
    # Once more changes nothing, and is no error: it stops, which is what was wanted.
    assert ada.post(STOPPED, {"processor": arn}).status_code == 303
    assert "Stop hall" not in _row(ada, "hall")


def test_a_member_of_the_council_stops_any_search_for_faces_and_nothing_else(console: Console) -> None:
    processors = console.house.holdings.streams.processors
    firm = console.office.organizations.register("A firm", "retail").id
    gate, porch = _made(console, "gate", FACES, firm), _made(console, "porch", HOME, firm)
    garden = _made(console, "garden", HOME)
    may, al = console.somebody("may", Role.COUNCIL), console.somebody("al", Role.AUDITOR)
    assert f"Stop gate of {firm}" in _row(may, "gate")
    assert _row(may, "porch") == ""
    assert "Stop garden" not in _row(may, "garden")
    assert "regard council suspend search-live" in may.get(PAGE).text
    assert "Searches for faces in live video that run, each of which you may stop: 1<" in may.get("/console").text
    assert _row(al, "gate") == ""
    for somebody, arn in ((may, porch), (may, garden), (console.somebody("ben"), gate)):
        assert somebody.post(STOPPED, {"processor": arn}).status_code == 404
    assert al.post(STOPPED, {"processor": garden}).status_code == 403
    assert processors.get(firm, "gate").status == processors.get(firm, "porch").status == "STARTING"
    at = time.monotonic()
    assert may.post(STOPPED, {"processor": gate}).headers["location"] == PAGE
    assert time.monotonic() - at < 5
    assert processors.get(firm, "gate").status == "STOPPING"


def test_one_that_was_changed_in_the_database_hides_no_other(console: Console) -> None:
    ada = console.somebody("eve")
    _made(console, "cellar", HOME)
    number = console.house.holdings.streams.processors.get(console.organization, "cellar").id
    with console.office.engine.begin() as connection:
        connection.execute(text(f"UPDATE stream_processors SET turn = turn + 1 WHERE id = {number}"))
    _made(console, "attic", HOME)
    page = ada.get(PAGE).text
    assert "1 was changed in the database behind the service" in page
    assert "attic" in page
    assert "cellar" not in page
