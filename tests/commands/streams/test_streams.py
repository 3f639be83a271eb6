"""`regard streams`, as an operator types it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text

from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import Office
from regard.streams.processor import Session
from regard.streams.streams import Streams
from tests.helpers.commands import run
from tests.helpers.streaming import HOME, RECORDS

ARN = "arn:aws:kinesisvideo:us-east-1:111122223333:stream/door/1"


@pytest.fixture
def streams(office: Office) -> Streams:
    return open_holdings(office).streams


def _arn(office: Office) -> str:
    return ARN.replace("111122223333", office.organizations.operator().id)


def _made(streams: Streams, office: Office, given: dict[str, Any] = HOME, *, started: bool = False) -> None:
    processors, operator = streams.processors, office.organizations.operator().id
    with processors.engine.begin() as connection:
        processors.create(connection, processors.new(operator, "door", "us-east-1", given, {}))
        if started:
            session = Session("session", "AKIA", "development", "StartStreamProcessor", {}, 10)
            processors.start(connection, processors.found(connection, operator, "door"), session)


def test_a_source_is_set_shown_and_let_go_of_without_its_password(office: Office) -> None:
    arn = _arn(office)
    shown = run("streams", "source", arn, "rtsp://door:secret@camera/live")
    assert shown.exit_code == 0, shown.output
    for words in (("source", arn), ("list",), ("list", "--json")):
        told = run("streams", *words)
        assert "rtsp://camera:554/live" in told.output
        assert "secret" not in told.output + shown.output
    with office.engine.connect() as connection:
        (sealed,) = connection.execute(text("SELECT sealed FROM stream_sources")).scalars()
        assert b"secret" not in bytes(sealed)
    assert run("streams", "source", arn, "--remove").exit_code == 0
    assert run("streams", "source", arn, "--remove").exit_code == 1
    assert "regard streams source" in str(run("streams", "source", arn).exception)


@pytest.mark.parametrize(("arn", "address"), [("arn:aws:s3:::door", "rtsp://camera/"), (ARN, "ftp://camera/")])
def test_what_is_no_stream_or_no_source_is_refused(begun: None, arn: str, address: str) -> None:
    assert isinstance(run("streams", "source", arn, address).exception, ValueError)


def test_processors_are_listed_and_shown(streams: Streams, office: Office) -> None:
    _made(streams, office)
    (told,) = json.loads(run("streams", "list", "--json").stdout)["processors"]
    assert (told["processor"], told["status"], told["looks for"]) == ("door", "STOPPED", "PERSON, PET")
    shown = run("streams", "show", "door")
    assert HOME["Input"]["KinesisVideoStream"]["Arn"] in shown.stdout.replace("\n", "")
    assert isinstance(run("streams", "show", "yard").exception, LookupError)


def test_one_that_runs_is_stopped_and_the_log_says_so(streams: Streams, office: Office) -> None:
    _made(streams, office, started=True)
    assert run("streams", "stop", "door").exit_code == 0
    assert json.loads(run("streams", "show", "door", "--json").stdout)["status"] == "STOPPING"
    with office.engine.connect() as connection:
        kinds = list(connection.execute(text("SELECT kind FROM records")).scalars())
    assert "regard/stream" in kinds


def test_one_that_is_stopped_is_not_stopped_again(streams: Streams, office: Office) -> None:
    _made(streams, office)
    assert run("streams", "stop", "door").exit_code == 1


def test_a_search_of_faces_says_whose(streams: Streams, office: Office) -> None:
    given = {"Output": {"KinesisDataStream": {"Arn": RECORDS}}, "Settings": {"FaceSearch": {"CollectionId": "staff"}}}
    _made(streams, office, {**HOME, **given})
    assert "faces of staff" in run("streams", "list").stdout
