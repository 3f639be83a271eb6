"""A service that people start: boto3 and AWS's command line make and ask for sessions, and one that is killed leaves
nothing of the film that was on its way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from regard.liveness.sessions import Sessions
from regard.stewardship.council.council import Council
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.holdings import open_holdings
from regard.stewardship.parties.keys import AccessKey
from tests.helpers.live import Signing, address, film_event, read
from tests.helpers.running import Running, running
from tests.helpers.started import started, stop

LIVENESS = {"capability": "liveness", "enabled": True}


@dataclass
class Place:
    """A running service, its folder, and the key that it is called with."""

    service: Running
    folder: Path
    key: AccessKey
    client: Any

    @property
    def host(self) -> str:
        return urlsplit(self.service.url).netloc

    def create(self, **given: Any) -> str:
        return str(self.client.create_face_liveness_session(**given)["SessionId"])

    def status(self, session: str) -> str:
        return str(self.client.get_face_liveness_session_results(SessionId=session)["Status"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("liveness")
    office = started(folder)
    council, signer = Council(office.engine), read_signer("operator", folder / "council.key")
    motion = council.draft(Kind.CAPABILITY, "to know who is there", LIVENESS, "operator")
    council.propose(motion.signed(signer))
    council.vote(motion, Vote.APPROVE, "", signer)
    (key,) = office.organizations.keys.all()
    stop(office)
    lines = {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret}
    with running(folder, {**lines, "AWS_DEFAULT_REGION": "us-east-1"}) as service:
        yield Place(service, folder, key, service.client())


def test_boto3_and_the_command_line_make_a_session_and_ask_for_it(place: Place) -> None:
    session = place.create(Settings={"AuditImagesLimit": 4}, ClientRequestToken="a-token")
    assert place.create(Settings={"AuditImagesLimit": 4}, ClientRequestToken="a-token") == session
    told = _aws(place, "get-face-liveness-session-results", "--session-id", session)
    assert told == {"SessionId": session, "Status": "CREATED"}
    client = place.client
    with pytest.raises(client.exceptions.SessionNotFoundException, match="Session not found"):
        client.get_face_liveness_session_results(SessionId="0" * 8 + session[8:])
    with pytest.raises(ClientError, match="KmsKeyId is not taken"):
        client.create_face_liveness_session(KmsKeyId="alias/ours")


def test_a_service_that_is_killed_leaves_no_film_and_the_session_comes_to_its_end(place: Place) -> None:
    """The last of this module: the service is gone then."""
    gone, left = place.create(), place.create()
    for session, kill in ((gone, False), (left, True)):
        target = address(place.key, session, time.time(), host=place.host)
        with connect(f"ws://{place.host}{target}") as client:
            assert read(client.recv())[0] == "ServerSessionInformationEvent"
            sign = Signing(target, place.key.secret, time.time())
            for _ in range(3):
                client.send(sign(film_event(b"a part of a film, of somebody's face" * 1000, time.time())))
            assert place.status(session) == "IN_PROGRESS"
            if kill:
                place.service.process.kill()
                place.service.process.wait()
                with pytest.raises(ConnectionClosed):
                    client.recv(timeout=10)
    office = started(place.folder)
    try:
        sessions = open_holdings(office).liveness
        assert isinstance(sessions, Sessions)
        organization = place.key.caller.organization
        assert [sessions.get(organization, each).status for each in (gone, left)] == ["FAILED", "IN_PROGRESS"]
        sessions.clock = lambda: time.time() + 180
        assert sessions.get(organization, left).status == "EXPIRED"
        sessions.expire()
    finally:
        stop(office)
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if path.parent.name == "tmp"]
    assert not [path for path in files if b"somebody's face" in path.read_bytes()]


def _aws(place: Place, *words: str) -> dict[str, Any]:
    script = Path(sys.executable).with_name("aws")
    command = [str(script), "rekognition", *words, "--output", "json"]
    environment = {**os.environ, **place.service.environment, "AWS_REGION": "us-east-1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
