"""Key renewal: the same faces under new keys, whole or not at all, and nothing opens under the old ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from regard.gallery.collections import tables
from regard.gallery.templates.vault import Template, open_vault
from regard.sealing import SealBroken, master_key
from tests.helpers.databases import keys_place
from tests.helpers.fakes import ORGANIZATION, Client, Clock, open_rooms, picture_of


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[], Client]:
    return lambda: Client(open_rooms(tmp_path, Clock()))


def _filled(client: Client) -> list[str]:
    client("CreateCollection", CollectionId="a")
    return [*client.index("a", 1, 2, ExternalImageId="group"), *client.index("a", 3)]


def _templates(client: Client) -> list[Template]:
    faces = tables.faces.c
    with client.rooms.gallery.reading() as connection:
        return [Template(*row) for row in connection.execute(select(faces.subject, faces.face_id, faces.template))]


def _scores(client: Client) -> dict[str, float]:
    found = client("SearchFacesByImage", CollectionId="a", Image={"Bytes": picture_of(1)}, FaceMatchThreshold=0)
    return {match["Face"]["FaceId"]: match["Similarity"] for match in found["FaceMatches"]}


def test_searches_give_the_same_and_no_old_template_opens(opened: Callable[[], Client], tmp_path: Path) -> None:
    client = opened()
    faces, before = _filled(client), _templates(client)
    scores = _scores(client)
    assert client.rooms.gallery.renew_keys(ORGANIZATION, "a") == 3
    again = opened()
    assert _scores(again) == pytest.approx(scores, abs=1e-4)
    assert _scores(again).keys() == set(faces)
    vault = open_vault(keys_place(tmp_path), master_key(tmp_path / "master.key"))
    for template in before:
        with pytest.raises(SealBroken):
            vault.open(1, [template])


def test_the_same_picture_is_known_again_after_a_renewal(opened: Callable[[], Client]) -> None:
    client = opened()
    faces = _filled(client)
    client.rooms.gallery.renew_keys(ORGANIZATION, "a")
    assert client.index("a", 3) == faces[2:]
    assert len(client.index("a", 3, mark=1)) == 1


@pytest.mark.parametrize("committed", [True, False])
def test_a_renewal_that_was_broken_off_is_settled_at_the_next_start(
    opened: Callable[[], Client], committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = opened()
    faces = _filled(client)
    scores = _scores(client)
    gallery = client.rooms.gallery
    with monkeypatch.context() as broken:
        step = "settle_renewal" if committed else "renewed"
        real = getattr(gallery._vault, step)

        def crash(*given: object) -> None:
            if not committed:
                real(*given)
            raise SystemExit

        broken.setattr(gallery._vault, step, crash)
        with pytest.raises(SystemExit):
            gallery.renew_keys(ORGANIZATION, "a")
    again = opened()
    assert _scores(again).keys() == set(faces)
    assert _scores(again) == pytest.approx(scores, abs=1e-4)
    assert again.rooms.gallery._vault.keys.renewing() == []


def test_an_empty_collection_is_renewed_too(opened: Callable[[], Client]) -> None:
    client = opened()
    client("CreateCollection", CollectionId="a")
    assert client.rooms.gallery.renew_keys(ORGANIZATION, "a") == 0
    assert len(client.index("a", 1)) == 1
