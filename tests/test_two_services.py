"""Two services on one SQLite folder, begun at once on an empty one, are one service; one may be killed."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import httpx
import pytest

from regard.ledger.witnesses.audit import audit, from_folder
from regard.settings import Settings
from regard.stewardship.office import open_office
from regard.stewardship.parties.keys import AccessKey
from tests.helpers.fakes import picture_of
from tests.helpers.own_client import OwnClient
from tests.helpers.running import Running
from tests.helpers.served_fakes import running_fakes

PEOPLE, CALLERS = 200, 4


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Running]]:
    """Two services that began at the same time, and answer."""
    services: list[Running] = []
    over, both = threading.Event(), threading.Barrier(3)
    first = cast(Running, SimpleNamespace(environment={"begun": "at once"}))

    def serve() -> None:
        # Only one of them is the first, and prints a key.
        with running_fakes(tmp_path / "data", first) as service:
            services.append(service)
            both.wait(120)
            over.wait()

    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(2))
        stack.callback(over.set)
        begun = [pool.submit(serve) for _ in range(2)]
        both.wait(120)
        yield services
        over.set()
        for each in begun:
            each.result()


@pytest.mark.slow("two services are started, and asked for hundreds of things")
def test_what_one_was_told_the_other_knows_and_the_log_has_all_of_it(
    two: list[Running], tmp_path: Path, scale: float
) -> None:
    folder = tmp_path / "data"
    organizations = open_office(Settings(data_dir=folder)).organizations
    (operator,) = organizations.all()
    key = organizations.issue_key(operator.id, "photo-library")
    clients = [Asked(service, key) for service in two]
    clients[0].client.create_collection(CollectionId="m")

    def life(number: int) -> None:
        chance, name = random.Random(number), f"p{number}"
        image = {"Bytes": picture_of(number % 200, mark=number % 250)}
        client = chance.choice(clients).client
        (record,) = client.index_faces(CollectionId="m", Image=image, ExternalImageId=name)["FaceRecords"]
        assert record["Face"]["FaceId"] in _found(chance.choice(clients).client, image)
        if number % 3 == 0:
            assert chance.choice(clients).own("POST", f"/subjects/{name}/erasure").status_code == 200
            assert record["Face"]["FaceId"] not in _found(chance.choice(clients).client, image)

    people = range(round(PEOPLE * scale))
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(life, people))
    two[0].process.kill()
    two[0].process.wait()
    left = clients[1].client.list_faces(CollectionId="m", MaxResults=4096)["Faces"]
    assert {face["ExternalImageId"] for face in left} == {f"p{number}" for number in people if number % 3}
    assert httpx.get(f"{two[1].url}/readyz").json() == {"status": "ready"}
    two[1].process.terminate()
    two[1].process.wait()
    office = open_office(Settings(data_dir=folder))
    (public,) = folder.glob("log/shards/*/public")
    period = public.parent.name
    keys = [signer.renamed(f"{office.settings.log_name}/{period}").verifier for signer in office.logbook.keys.signers]
    entries: dict[int, bytes] = {}
    audit(from_folder(public), keys, entry=entries.__setitem__)
    for operation in ("IndexFaces", "SearchFacesByImage"):
        assert sum(b'"%s"' % operation.encode() in entry for entry in entries.values()) >= len(people)


class Asked:
    """A service, asked with a key that both know."""

    def __init__(self, service: Running, key: AccessKey) -> None:
        session = boto3.session.Session(key.access_key_id, key.secret, region_name="us-east-1")
        self.client: Any = session.client("rekognition", endpoint_url=service.url)
        self.own = OwnClient(service.url, key.access_key_id, key.secret)


def _found(client: Any, image: dict[str, bytes]) -> list[str]:
    matches = client.search_faces_by_image(CollectionId="m", Image=image, MaxFaces=4096)["FaceMatches"]
    return [match["Face"]["FaceId"] for match in matches]
