"""Vectors in the clear: found as in memory, never with consent, and gone with the face, the collection or the mark."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import create_engine, text

from regard.gallery.bulk import Arrival
from regard.gallery.collections import marks
from regard.gallery.faces import Candidate
from regard.gallery.gallery import Gallery, open_gallery
from regard.gallery.index import vectors
from regard.gallery.index.vectors import NoVectors, Vectors
from regard.gallery.search import Probe
from regard.sealing import master_key
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import BadMotion, Kind, Vote
from regard.stewardship.gate.seals import CouncilSeals
from tests.helpers.databases import POSTGRESQL, keys_url
from tests.helpers.fakes import Clock, person
from tests.helpers.peopled import House

pytestmark = [pytest.mark.long, pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)]
DIMENSIONS = 128


class Marking(House):
    """A house that searches in memory, with a council, beside another process that searches in the database."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        key = master_key(folder / "master.key")
        self.other: Gallery = open_gallery(
            self.engine, folder / "keys.db", key, clock, keys_url=keys_url(folder), in_database=True
        )

    def carry(self, kind: Kind, **payload: Any) -> None:
        signer = read_signer("operator", self.folder / "council.key")
        payload |= {"organization": self.organization, "collection": "a"}
        motion = self.council.draft(kind, "a change", payload, "operator")
        self.council.propose(motion.signed(signer))
        self.council.vote(motion, Vote.APPROVE, "", signer)

    def mark(self) -> None:
        self.carry(Kind.VECTORS, clear=True)
        self.other.vectors.follow()

    def clear(self) -> int | None:
        """How many vectors there are in the clear; None where there is no table for them."""
        with self.engine.connect() as connection:
            tables = connection.execute(
                text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'clear.vectors'::regclass")
            ).scalar()
            there = connection.execute(text("SELECT count(*) FROM clear.vectors")).scalar()
            assert len(marks.every(connection)) == tables
        return there if tables else None

    def fill(self, found: NDArray[np.float32]) -> list[str]:
        arrivals = [Arrival(None, f"p{n}", Candidate((0, 0, 1, 1), 99.0, each)) for n, each in enumerate(found)]
        with self.gallery.writing() as connection:
            return self.gallery.bulk.enrol(connection, self.organization, "a", arrivals, "1.0")

    def found(self, gallery: Gallery, probe: Probe, most: int, at_least: float = -1.0) -> list[tuple[str, float]]:
        hits, _ = gallery.search.faces(self.organization, "a", probe, most, at_least)
        return [(face.face_id, score) for score, face in hits]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Marking]:
    found = Marking(tmp_path, Clock())
    found.collection("a")
    yield found
    found.close()


def _unit(rows: int, seed: int = 0) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).standard_normal((rows, DIMENSIONS)).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def _crowd(people: int, each: int) -> NDArray[np.float32]:
    """Vectors of people, some of each, as close as pictures of one person are."""
    found = np.repeat(_unit(people), each, axis=0) + 0.6 * _unit(people * each, seed=1)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def test_a_scan_in_the_database_finds_what_memory_finds(house: Marking) -> None:
    crowd = _crowd(200, 5)
    # Equal ones, and such that differ by less than half precision can tell.
    crowd[50:60] = crowd[50]
    crowd[60:90] = crowd[50] + 1e-5 * _unit(30, seed=2)
    ids = house.fill(crowd)
    house.mark()
    probes = [Probe(embedding=each, face_model="1.0") for each in (*_unit(5, seed=3), *crowd[:60:10])]
    probes += [Probe(face_id=face) for face in (*ids[50:60], *ids[::200])]
    for probe in probes:
        for most, at_least in ((1, -1.0), (10, -1.0), (25, 0.3), (800, 0.2)):
            there, here = (house.found(gallery, probe, most, at_least) for gallery in (house.other, house.gallery))
            assert [score for _, score in there] == pytest.approx([score for _, score in here], abs=2e-6)
            # The last places may be shared by equals, of which a rounding decides.
            assert {face for face, _ in there[:-1]} >= {face for face, score in here if score > here[-1][1] + 2e-6}
    assert house.other.search._mirrors.all() == []


def test_a_graph_finds_almost_all(house: Marking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "INDEXED_FROM", 1000)
    crowd = _crowd(1000, 5)
    house.fill(crowd)
    house.mark()
    with house.engine.connect() as connection:
        assert connection.execute(
            text("SELECT indisvalid FROM pg_index WHERE indexrelid::regclass::text LIKE '%graph'")
        ).all() == [(True,)]
    recalled = []
    for each in crowd[::100]:
        probe = Probe(embedding=each, face_model="1.0")
        there, here = ({face for face, _ in house.found(g, probe, 10)} for g in (house.other, house.gallery))
        recalled.append(len(there & here) / 10)
    assert np.mean(recalled) >= 0.95


def test_vectors_come_and_go_with_their_faces(house: Marking) -> None:
    house.index("a", 1)
    house.mark()
    assert house.clear() == 1
    (second,) = house.index("a", 2, mark=2)
    house.index("a", 3, mark=3, name="ann")
    house.fill(_unit(20))
    assert house.clear() == 23
    probe = Probe(embedding=person(2), face_model="1.0")
    assert house.found(house.other, probe, 1)[0][0] == second
    house.ask("DeleteFaces", CollectionId="a", FaceIds=[second])
    assert house.clear() == 22
    assert house.found(house.other, probe, 1)[0][0] != second
    house.erase("ann")
    assert house.clear() == 21
    assert house.found(house.other, Probe(embedding=person(3), face_model="1.0"), 1, 0.9) == []
    house.ask("DeleteCollection", CollectionId="a")
    assert house.clear() is None


def test_a_service_fills_what_was_marked_by_itself(house: Marking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_LOOK", 0.01)
    monkeypatch.setattr(vectors, "_AT_ONCE", 3)
    house.fill(_unit(10))
    house.carry(Kind.VECTORS, clear=True)
    assert house.clear() == 0
    house.index("a", 1)
    house.other.vectors.start()
    end = time.monotonic() + 60
    while house.clear() != 11 and time.monotonic() < end:
        time.sleep(0.01)
    house.other.vectors.close()
    assert house.clear() == 11


def test_a_face_whose_key_is_gone_is_not_found_though_its_vector_were_still_there(house: Marking) -> None:
    house.index("a", 1, name="ann")
    house.mark()
    house.gallery._vault.keys.destroy(1, ["external/ann"])
    assert house.clear() == 1
    assert house.found(house.other, Probe(embedding=person(1), face_model="1.0"), 1) == []


def test_vectors_are_turned_anew_with_each_mark_and_survive_new_keys(house: Marking) -> None:
    house.index("a", 1, 2)
    kept = []
    for _ in range(2):
        house.mark()
        with house.engine.connect() as connection:
            rows = connection.execute(text("SELECT vector::text FROM clear.vectors ORDER BY face")).scalars()
            kept.append(np.array([row.strip("[]").split(",") for row in rows], np.float32))
    np.testing.assert_allclose(np.linalg.norm(kept, axis=2), 1.0, atol=1e-3)
    assert abs((kept[0] * kept[1]).sum(axis=1)).max() < 0.5
    assert abs((kept[0] * np.stack([person(1), person(2)])).sum(axis=1)).max() < 0.5
    house.gallery.renew_keys(house.organization, "a")
    assert house.found(house.other, Probe(embedding=person(2), face_model="1.0"), 1)[0][1] == pytest.approx(1.0)


def test_a_mark_that_ends_leaves_nothing_and_memory_goes_on(house: Marking) -> None:
    (face,) = house.index("a", 1)
    house.mark()
    house.carry(Kind.VECTORS, clear=False)
    assert house.clear() is None
    assert house.found(house.other, Probe(embedding=person(1), face_model="1.0"), 1)[0][0] == face


@pytest.mark.parametrize("by", ["tag", "motion", "seal"])
def test_consent_and_a_seal_end_the_mark(house: Marking, by: str) -> None:
    house.index("a", 1)
    house.mark()
    assert house.clear() == 1
    if by == "tag":
        arn = f"arn:aws:rekognition:us-east-1:{house.organization}:collection/a"
        house.ask("TagResource", ResourceArn=arn, Tags={"colour": "blue"})
        assert house.clear() == 1
        house.ask("TagResource", ResourceArn=arn, Tags={"regard:basis": "consent"})
    elif by == "motion":
        house.carry(Kind.TAGS, tags={"regard:basis": "consent"})
    else:
        CouncilSeals(house.gallery, house.council, house.logbook).seal(house.organization, "a", 1)
    assert house.clear() is None


@pytest.mark.parametrize("clear", [True, "yes"])
def test_a_collection_on_consent_is_not_marked(tmp_path: Path, clear: object) -> None:
    house = Marking(tmp_path, Clock())
    house.collection("a", "consent")
    with pytest.raises(BadMotion, match="consent" if clear is True else "true or false"):
        house.carry(Kind.VECTORS, clear=clear)
    house.close()


def test_a_motion_that_consent_overtook_marks_nothing(house: Marking) -> None:
    signer = read_signer("operator", house.folder / "council.key")
    payload = {"organization": house.organization, "collection": "a", "clear": True}
    motion = house.council.draft(Kind.VECTORS, "quicker", payload, "operator")
    house.council.propose(motion.signed(signer))
    arn = f"arn:aws:rekognition:us-east-1:{house.organization}:collection/a"
    house.ask("TagResource", ResourceArn=arn, Tags={"regard:basis": "consent"})
    house.council.vote(motion, Vote.APPROVE, "", signer)
    assert house.clear() is None


def test_without_a_service_that_keeps_vectors_there_nobody_votes_on_it(tmp_path: Path) -> None:
    house = House(tmp_path, Clock())
    house.collection("a")
    council = house.council
    payload = {"organization": house.organization, "collection": "a", "clear": True}
    motion = council.draft(Kind.VECTORS, "quicker", payload, "operator")
    with pytest.raises(BadMotion, match="REGARD_SEARCH=pgvector"):
        council.propose(motion.signed(read_signer("operator", tmp_path / "council.key")))
    house.close()


def test_a_database_that_has_no_pgvector_and_may_not_add_it_is_refused(house: Marking) -> None:
    with house.engine.begin() as connection:
        connection.execute(text("DROP EXTENSION vector CASCADE"))
        connection.execute(text("DROP ROLE IF EXISTS plain"))
        connection.execute(text("CREATE ROLE plain LOGIN"))
    with pytest.raises(NoVectors, match="no pgvector"):
        Vectors(create_engine(house.engine.url.set(username="plain")), house.gallery._vault).prepare()
