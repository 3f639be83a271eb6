"""Heads are asked on the model that they were made on, at the points that they name, and on no other."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.vision.heads.head import Base, DamagedHead, Data, Head, Measured, chance, sampled
from regard.vision.heads.heads import Heads, known

BASE = Base("face-mesh", "ab" * 32, "PRelu 7")
CHANNELS = 3


def _head(name: str = "hat", points: tuple[int, ...] = (4, 2), offset: float = 0.0, base: Base = BASE) -> Head:
    """A head whose odds are four times the first channel at its first point, plus the offset."""
    weights = np.zeros((len(points), CHANNELS), np.int8)
    weights[0, 0] = 16
    return Head(
        name=name,
        asks="whether there is a hat",
        base=base,
        points=points,
        exponents=(-1, 0, 3),
        weights=weights.tobytes(),
        slope=0.5,
        offset=offset,
        share=0.5,
        data=(Data("here", "own", 1, 1, 0),),
        measured=Measured(5, 1.0, 1.0, 1.0, 1.0, False),
    )


def test_a_head_reads_its_channel_at_its_point() -> None:
    places = np.full((468, 2), 0.9, np.float32)
    places[4] = (0.25, 0.5)
    layer = np.zeros((CHANNELS, 2, 2), np.float32)
    layer[0, :, 0] = 0.5
    (told,) = Heads([_head()], BASE.model, BASE.sha256)({"PRelu 7": layer}, places).values()
    assert told == pytest.approx(chance(2.0))


def test_heads_of_different_points_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(1)
    layer, places = rng.normal(size=(CHANNELS, 5, 5)).astype(np.float32), rng.random((468, 2)).astype(np.float32)
    heads = [_head("one", (4, 2)), _head("other", (300, 7, 4), 1.0)]
    alone = [Heads([each], BASE.model, BASE.sha256)({"PRelu 7": layer}, places)[each.name] for each in heads]
    together = Heads(heads, BASE.model, BASE.sha256)({"PRelu 7": layer}, places)
    assert [*together.values()] == pytest.approx(alone)


def test_a_head_of_another_models_file_is_not_loaded() -> None:
    other = msgspec.structs.replace(BASE, sha256="cd" * 32)
    heads = Heads([_head("mine"), _head("theirs", base=other)], BASE.model, BASE.sha256)
    assert [each.name for each in heads.heads] == ["mine"]
    assert Heads([_head()], "face-embedder", BASE.sha256).layers == ()


def test_over_another_mesh_nothing_is_asked() -> None:
    assert Heads.opened("face-mesh", "cd" * 32).layers == ()


def test_the_heads_that_ship_belong_to_the_models_that_are_listed() -> None:
    from regard.vision.models.weights import Weights

    weights, shipped = Weights(Path("none")), known()
    assert {"eyeglasses", "sunglasses", "beard", "mustache", "eyes-open", "mouth-open", "smile"} <= shipped.keys()
    for head in shipped.values():
        assert head.base.sha256 == weights.digest(head.base.model)


def test_what_a_head_was_made_of_is_told_with_its_terms() -> None:
    for head in known().values():
        assert head.data
        for each in head.data:
            assert each.source
            assert len(each.terms) > 10
            assert each.yes + each.no > 0
            assert "press photographs" not in each.terms


def test_a_head_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "hat.json").write_bytes(_head().written())
    assert Head.read(tmp_path / "hat.json") == _head()
    assert Head.read(tmp_path / "hat.json").written() == _head().written()


def test_ones_own_head_stands_before_the_one_that_ships(tmp_path: Path) -> None:
    own = _head("beard")
    (tmp_path / "beard.json").write_bytes(own.written())
    assert known(tmp_path)["beard"] == own
    assert known(tmp_path)["smile"] == known()["smile"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"{",
        lambda data: data.replace(b'"points": [', b'"points": [9,'),
        lambda data: data.replace(b'"points": [', b'"points": [-'),
    ],
)
def test_a_damaged_head_is_refused_with_its_name(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    (tmp_path / "hat.json").write_bytes(damage(_head().written()))
    with pytest.raises(DamagedHead, match=r"hat\.json"):
        known(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedHead, match="REGARD_HEADS_DIR"):
        known(tmp_path / "none")


@given(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))
def test_a_layer_is_read_between_its_cells(x: float, y: float) -> None:
    rows, columns = np.mgrid[:6, :8].astype(np.float32)
    (found,) = sampled(np.stack([columns, rows]), np.array([[x, y]]))
    expected = (np.clip(8 * x - 0.5, 0, 7), np.clip(6 * y - 0.5, 0, 5))
    assert found == pytest.approx(expected, abs=1e-4)
