"""Many clients at once on one collection: nothing is lost, and no answer is older than the one before it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.helpers.fakes import Client, open_rooms, picture_of

CLIENTS = 32


def _all_at_once(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(CLIENTS)))


@pytest.mark.slow("dozens of clients call hundreds of times")
def test_each_client_sees_what_it_did_and_nothing_is_lost(tmp_path: Path, scale: float) -> None:
    rooms = [open_rooms(tmp_path), open_rooms(tmp_path)]
    Client(rooms[0])("CreateCollection", CollectionId="a")

    def work(number: int) -> None:
        client, other = Client(rooms[number % 2]), Client(rooms[1 - number % 2])
        client("CreateUser", CollectionId="a", UserId=f"user-{number}")
        for turn in range(max(2, round(10 * scale))):
            kept, dropped = (
                client.index("a", number, mark=2 * turn + more, ExternalImageId=f"person-{number}")[0]
                for more in (0, 1)
            )
            assert dropped in _found(other, kept)
            client("AssociateFaces", CollectionId="a", UserId=f"user-{number}", FaceIds=[kept])
            matches = other("SearchUsersByImage", CollectionId="a", Image={"Bytes": picture_of(number)})["UserMatches"]
            assert [match["User"]["UserId"] for match in matches] == [f"user-{number}"]
            client("DeleteFaces", CollectionId="a", FaceIds=[dropped])
            assert dropped not in _found(other, kept)

    _all_at_once(work)
    turns = max(2, round(10 * scale))
    for client in map(Client, rooms):
        described = client("DescribeCollection", CollectionId="a")
        assert (described["FaceCount"], described["UserCount"]) == (CLIENTS * turns, CLIENTS)
        listed = client("ListFaces", CollectionId="a")["Faces"]
        assert len(listed) == CLIENTS * turns
        assert all(
            face["UserId"].removeprefix("user-") == face["ExternalImageId"].removeprefix("person-") for face in listed
        )


def test_the_same_picture_sent_by_all_is_indexed_once(tmp_path: Path) -> None:
    client = Client(open_rooms(tmp_path))
    client("CreateCollection", CollectionId="a")
    ids: set[str] = set()
    _all_at_once(lambda _: ids.update(client.index("a", 1, 2)))
    assert len(ids) == 2


def test_a_person_who_comes_and_goes_at_once_never_loses_the_key_of_a_kept_face(tmp_path: Path) -> None:
    client = Client(open_rooms(tmp_path))
    client("CreateCollection", CollectionId="a")

    def work(number: int) -> None:
        for turn in range(3):
            face = client.index("a", 1, mark=number * 4 + turn, ExternalImageId="one")
            if turn < 2:
                client("DeleteFaces", CollectionId="a", FaceIds=face)

    _all_at_once(work)
    fresh = Client(open_rooms(tmp_path))
    image = {"Bytes": picture_of(1)}
    assert len(fresh("SearchFacesByImage", CollectionId="a", Image=image)["FaceMatches"]) == CLIENTS


def _found(client: Client, face: str) -> set[str]:
    matches = client("SearchFaces", CollectionId="a", FaceId=face, MaxFaces=4096)["FaceMatches"]
    return {match["Face"]["FaceId"] for match in matches}
