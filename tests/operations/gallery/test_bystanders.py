"""Bystanders: nobody is kept from a picture but the person who consented."""

from __future__ import annotations

import hashlib
import io
import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image

from regard.operations.common.registry import function_of
from regard.operations.common.rooms import Rooms
from regard.settings import Settings
from regard.stewardship.people.consents import Consents
from regard.vision.eyes import open_analyzer
from tests.helpers.fakes import Client, Clock, open_rooms, picture_of

TILE = 256


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    return open_rooms(tmp_path, Clock())


@pytest.fixture
def client(rooms: Rooms) -> Client:
    return _on_consent(rooms)


def _on_consent(rooms: Rooms) -> Client:
    client = Client(rooms)
    client("CreateCollection", CollectionId="a", Tags={"regard:basis": "consent"})
    return client


def _indexed(client: Client, picture: bytes, subject: str = "alice") -> tuple[dict[str, Any], str | None]:
    call = client.call("IndexFaces", CollectionId="a", Image={"Bytes": picture}, ExternalImageId=subject)
    return function_of("IndexFaces")(call, client.rooms), call.remarks.get("x-regard-bystanders")


def _lefts(answer: dict[str, Any]) -> list[float]:
    return [round(record["Face"]["BoundingBox"]["Left"], 2) for record in answer["FaceRecords"]]


def test_the_only_face_of_a_picture_is_the_person(client: Client) -> None:
    answer, header = _indexed(client, picture_of(1))
    assert (len(answer["FaceRecords"]), header) == (1, None)


def test_of_several_faces_the_one_known_from_before_is_kept(client: Client) -> None:
    _indexed(client, picture_of(1))
    answer, header = _indexed(client, picture_of(2, 3, 1))
    assert (_lefts(answer), header) == ([0.68], "2")
    assert answer["UnindexedFaces"] == []
    assert client("DescribeCollection", CollectionId="a")["FaceCount"] == 2


def test_max_faces_and_size_do_not_put_a_bystander_in_the_persons_place(client: Client) -> None:
    _indexed(client, picture_of(1))
    image = {"Bytes": picture_of(2, 1)}
    answer = client("IndexFaces", CollectionId="a", Image=image, ExternalImageId="alice", MaxFaces=1)
    assert _lefts(answer) == [0.53]


def test_of_several_faces_none_is_kept_while_the_person_is_unknown(client: Client) -> None:
    answer, header = _indexed(client, picture_of(1, 2))
    assert answer["FaceRecords"] == []
    assert str(header).startswith("2; which of the faces")


def test_somebody_else_alone_in_a_picture_is_not_kept_under_the_persons_name(client: Client) -> None:
    _indexed(client, picture_of(1))
    answer, header = _indexed(client, picture_of(2))
    assert (answer["FaceRecords"], header and header[0]) == ([], "1")


def test_a_box_on_the_receipt_says_who_is_the_person_in_that_picture(rooms: Rooms) -> None:
    group = picture_of(1, 2)
    shown = {hashlib.sha256(group).hexdigest(): (0.5, 0.05, 0.45, 0.9)}
    consents = SimpleNamespace(
        reference=lambda _enrolment, sha256: shown.get(sha256),
        given_since=lambda *_: False,
        agreed_to_portrait=lambda _enrolment: False,
    )
    client = _on_consent(replace(rooms, consents=cast(Consents, consents)))
    answer, header = _indexed(client, group)
    assert (_lefts(answer), header) == ([0.53], "1")
    assert _lefts(_indexed(client, picture_of(3, 2))[0]) == [0.53]


def test_each_person_has_a_reference_of_their_own(client: Client) -> None:
    _indexed(client, picture_of(1))
    _indexed(client, picture_of(2), "bob")
    assert _lefts(_indexed(client, picture_of(1, 2), "bob")[0]) == [0.53]


def test_without_consent_as_its_basis_a_collection_keeps_every_face(rooms: Rooms) -> None:
    client = Client(rooms)
    client("CreateCollection", CollectionId="b", Tags={"regard:basis": "attested"})
    image = {"Bytes": picture_of(1, 2)}
    assert len(client("IndexFaces", CollectionId="b", Image=image, ExternalImageId="x")["FaceRecords"]) == 2


@pytest.mark.long
@pytest.mark.slow("looks at dozens of pictures of several persons")
def test_montages_keep_the_person_and_no_bystander(rooms: Rooms, shared_data: Path, scale: float) -> None:
    folder, draw = shared_data / "synthetic_faces", random.Random(1)
    client = _on_consent(replace(rooms, faces=open_analyzer(Settings())))
    people = [number for number in range(1, 51) if number != 18]  # The pictures of 18 show two people.
    people = [number for number in people if len(sorted(folder.glob(f"face_{number}_[0-9].*"))) >= 4]
    montages, kept = max(20, round(50 * scale)), 0
    for number in [draw.choice(people) for _ in range(montages)]:
        first, other = draw.sample(range(4), 2)
        subject = f"person-{number}-{first}"
        assert _indexed(client, _picture(folder, number, first).getvalue(), subject)
        strangers = draw.sample([each for each in people if each != number], 5)
        place = draw.randrange(6)
        strangers.insert(place, number)
        takes = [other if each == number else draw.randrange(4) for each in strangers]
        boxes = [
            record["Face"]["BoundingBox"]
            for record in _indexed(client, _montage(folder, strangers, takes), subject)[0]["FaceRecords"]
        ]
        tiles = [
            (int((box["Left"] + box["Width"] / 2) * 3), int((box["Top"] + box["Height"] / 2) * 2)) for box in boxes
        ]
        assert set(tiles) <= {(place % 3, place // 3)}, "a bystander was kept"
        kept += len(tiles)
    assert kept >= 0.95 * montages


def _picture(folder: Path, number: int, take: int) -> io.BytesIO:
    return io.BytesIO(sorted(folder.glob(f"face_{number}_[0-9].*"))[take].read_bytes())


def _montage(folder: Path, numbers: list[int], takes: list[int]) -> bytes:
    whole = Image.new("RGB", (3 * TILE, 2 * TILE))
    for place, (number, take) in enumerate(zip(numbers, takes, strict=True)):
        face = Image.open(_picture(folder, number, take)).convert("RGB").resize((TILE, TILE))
        whole.paste(face, (place % 3 * TILE, place // 3 * TILE))
    file = io.BytesIO()
    whole.save(file, "JPEG", quality=92)
    return file.getvalue()


def test_a_picture_that_names_nobody_keeps_nobody(client: Client) -> None:
    assert client.index("a", 1) == []
