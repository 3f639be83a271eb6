"""Nothing that names anybody reaches the public log: values are planted everywhere, and searched for."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from regard.ledger.log.public import CHECKPOINT
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.notes import Note
from regard.ledger.tree.tiles import read_entries
from regard.ledger.witnesses.audit import from_folder
from regard.settings import Settings
from regard.stewardship.office import open_office
from regard.stewardship.parties.edges import Edge, EdgeKind
from tests.helpers.running import Running, running

pytestmark = pytest.mark.long

PERSON, USER, COLLECTION, TAG = "planted-person-417", "planted-user-418", "planted-collection-419", "planted-tag-420"
ERRORS = "errors"
ORGANIZATION, CUSTOMER = "Planted Works 421", "Planted Customer 422"


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path, set[bytes]]]:
    """A service that was used for everything, its data, and what must not be found there."""
    folder = tmp_path_factory.mktemp("planted")
    with ExitStack() as stack:
        with _errors_into(folder / ERRORS):
            service = stack.enter_context(running(folder))
        planted = _use(service, folder)
        yield service, folder, planted


@contextmanager
def _errors_into(path: Path) -> Iterator[None]:
    """What is started within writes its errors into a file."""
    own = os.dup(2)
    try:
        with path.open("wb") as file:
            os.dup2(file.fileno(), 2)
            yield
    finally:
        os.dup2(own, 2)
        os.close(own)


def _use(service: Running, folder: Path) -> set[bytes]:
    from skimage.data import astronaut

    client = service.client()
    pictures = [_jpeg(astronaut()), _jpeg(astronaut()[:, ::-1])]
    client.create_collection(CollectionId=COLLECTION, Tags={"label": TAG})
    faces = [
        client.index_faces(CollectionId=COLLECTION, Image={"Bytes": data}, ExternalImageId=PERSON)["FaceRecords"][0]
        for data in pictures
    ]
    ids = [face["Face"]["FaceId"] for face in faces]
    client.create_user(CollectionId=COLLECTION, UserId=USER)
    client.associate_faces(CollectionId=COLLECTION, UserId=USER, FaceIds=ids)
    client.search_faces_by_image(CollectionId=COLLECTION, Image={"Bytes": pictures[0]})
    client.search_users_by_image(CollectionId=COLLECTION, Image={"Bytes": pictures[0]})
    client.search_faces(CollectionId=COLLECTION, FaceId=ids[0])
    client.detect_faces(Image={"Bytes": pictures[0]}, Attributes=["ALL"])
    client.compare_faces(SourceImage={"Bytes": pictures[0]}, TargetImage={"Bytes": pictures[1]})
    client.list_faces(CollectionId=COLLECTION)
    with pytest.raises(ClientError):
        client.list_faces(CollectionId=f"{COLLECTION}-gone")
    with pytest.raises(ClientError):
        client.index_faces(CollectionId=COLLECTION, Image={"Bytes": pictures[0][:999]}, ExternalImageId=PERSON)
    organizations = open_office(Settings(data_dir=folder)).organizations
    ours = organizations.register(ORGANIZATION, "retail", aliases=[f"{ORGANIZATION} Ltd"])
    theirs = organizations.register(CUSTOMER, "retail")
    organizations.edges.add(Edge(ours.id, EdgeKind.SUPPLIES, theirs.id))
    key = organizations.issue_key(ours.id, "photo-library")
    client.disassociate_faces(CollectionId=COLLECTION, UserId=USER, FaceIds=ids[:1])
    client.delete_faces(CollectionId=COLLECTION, FaceIds=ids[:1])
    # One more call: what other processes recorded is taken over before its answer.
    client.tag_resource(ResourceArn=_arn(client), Tags={"label": f"{TAG}-2"})
    digests = [digest(data) for data in pictures for digest in (hashlib.sha256, hashlib.sha1, hashlib.md5)]
    words = {PERSON, USER, COLLECTION, TAG, ORGANIZATION, CUSTOMER, *ids, ours.id, theirs.id, "127.0.0.1"}
    words |= {key.access_key_id, key.secret, service.environment["AWS_ACCESS_KEY_ID"]}
    words |= {form for digest in digests for form in (digest.hexdigest(), base64.b64encode(digest.digest()).decode())}
    return {word.encode() for word in words} | {digest.digest() for digest in digests}


def _arn(client: Any) -> str:
    return str(client.describe_collection(CollectionId=COLLECTION)["CollectionARN"])


def _jpeg(pixels: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=92)
    return file.getvalue()


def _entries(folder: Path) -> list[dict[str, Any]]:
    found = []
    for public in sorted(folder.glob("log/shards/*/public")):
        size = Checkpoint.parse(Note.parse((public / CHECKPOINT).read_bytes()).text).size
        found += [json.loads(entry) for entry in read_entries(size, from_folder(public))]
    return found


def _published(folder: Path, operation: str) -> list[dict[str, Any]]:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = _entries(folder)
        if any(entry.get("operation") == operation for entry in found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"{operation} was not published")


def test_no_file_of_the_log_holds_a_planted_value(used: tuple[Running, Path, set[bytes]]) -> None:
    _, folder, planted = used
    entries = _published(folder, "TagResource")
    # It was all used: what is searched is not an empty log.
    operations = {entry.get("operation") for entry in entries}
    assert {"IndexFaces", "SearchFacesByImage", "SearchUsersByImage", "CompareFaces", "DeleteFaces"} <= operations
    assert any(entry["kind"] == "regard/organization" for entry in entries)
    files = [path for path in folder.joinpath("log").rglob("*") if path.is_file()]
    assert files
    for path in files:
        data = path.read_bytes()
        assert not [word for word in planted if word in data], path


def test_what_the_service_prints_while_it_answers_holds_no_planted_value(
    used: tuple[Running, Path, set[bytes]],
) -> None:
    service, folder, planted = used
    assert service.process.stdout
    printed = service.process.stdout.fileno()
    os.set_blocking(printed, False)
    try:
        lines = os.read(printed, 1 << 20)
    except BlockingIOError:
        lines = b""
    finally:
        os.set_blocking(printed, True)
    said = lines + (folder / ERRORS).read_bytes()
    assert not [word for word in planted if word in said]


def test_entries_hold_nothing_from_a_picture(used: tuple[Running, Path, set[bytes]]) -> None:
    _, folder, _ = used
    known = {
        *("kind", "at", "operation", "organization", "sector", "purpose", "decision", "rules", "outcome", "policy"),
        *("models", "threshold", "counts", "sequence", "commitments", "record"),
    }
    calls = [entry for entry in _published(folder, "TagResource") if entry["kind"] == "regard/call"]
    for entry in calls:
        assert entry.keys() <= known
        assert entry["at"].endswith(":00Z")
        assert all(isinstance(number, int) for number in entry.get("counts", {}).values())
    # The same caller and picture twice have nothing in common that could be looked up.
    commitments = [each for entry in calls for each in entry.get("commitments", ())]
    assert len(commitments) == len(set(commitments))
