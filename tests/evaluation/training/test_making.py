"""Heads are made of what is labelled, the same bytes each time, and refuse what is too little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from llvmlite.binding import get_host_cpu_name

from regard.evaluation.samples.pictures_on_disk import NotLabelled
from regard.evaluation.training.examples import Example, examples_in
from regard.evaluation.training.looking import Largest, Look, Looker, open_looker
from regard.evaluation.training.making import head_of, made
from regard.evaluation.training.recipes import Recipe, book
from regard.evaluation.training.regression import NotFitted
from regard.settings import from_environment
from regard.vision.heads.head import Base, Head
from regard.vision.heads.heads import Heads, known
from regard.vision.models.manifest import MissingWeights

BASE = Base("face-mesh", "ab" * 32, "PRelu 7")
RECIPE = Recipe("hat", "whether there is a hat", "hat", "face", 0.5)
POINTS = (3, 8)
# The processor, in LLVM's words, that the heads that ship were made on.
MADE_ON = "znver5"


def _looks(people: int = 60) -> list[Look]:
    """Faces with a hat are brighter in one channel at one point."""
    rng = np.random.default_rng(6)
    found = []
    for number in range(people):
        layer = rng.normal(size=(3, 4)).astype(np.float32)
        layer[2, 1] += 6 * (number % 3 == 0)
        found.append(Look(Example(Path(str(number)), str(number), number % 3 == 0), layer, number % 3 == 0, False))
    return found


def test_the_head_tells_what_the_faces_show() -> None:
    head = head_of(RECIPE, POINTS, (1, 3, 8), BASE, _looks())
    assert head.measured.auc > 0.99
    assert (head.data[0].people, head.data[0].yes, head.data[0].no) == (60, 20, 40)
    heads = Heads([head], BASE.model, BASE.sha256)
    for look in _looks():
        # A layer of two by two cells, whose middles are where the points are.
        layer = np.zeros((4, 2, 2), np.float32)
        layer[:, 0, 0], layer[:, 0, 1] = look.sampled[1], look.sampled[2]
        places = np.zeros((468, 2), np.float32)
        places[3], places[8] = (0.25, 0.25), (0.75, 0.25)
        assert (heads({BASE.layer: layer}, places)["hat"] > 0.5) == look.yes


def test_the_same_faces_give_the_same_bytes() -> None:
    one, other = (head_of(RECIPE, POINTS, (1, 3, 8), BASE, _looks()).written() for _ in range(2))
    assert one == other


def test_too_few_people_are_refused() -> None:
    with pytest.raises(NotFitted, match=r"hat: 7 people answer yes, and it takes 10"):
        head_of(RECIPE, POINTS, (1, 3, 8), BASE, _looks(21))


def test_folders_of_yes_and_no_are_read(tmp_path: Path) -> None:
    for name in ("yes/one.jpg", "yes/two/a.jpg", "no/two/b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {(each.picture.name, each.person, each.yes) for each in examples_in(tmp_path, "hat")}
    assert found == {("one.jpg", "one", True), ("a.jpg", "two", True), ("b.jpg", "two", False)}


def test_rows_without_an_answer_and_sources_that_are_not_wanted_are_left_out(tmp_path: Path) -> None:
    rows = ["file,person,source,hat,scarf", "a.jpg,1,x,1,0", "b.jpg,2,x,u,0", "c.jpg,3,y,0,0", "d.jpg,4,x,0,1"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    assert [each.person for each in examples_in(tmp_path, "hat", without=["y"])] == ["1", "4"]
    assert [each.person for each in examples_in(tmp_path / "labels.csv", "hat", unless="scarf")] == ["1", "3"]


@pytest.mark.parametrize(("file", "text"), [("labels.csv", "file,person\n"), ("other.txt", "")])
def test_what_is_not_labelled_is_refused(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(NotLabelled, match=r"hat|yes and no"):
        examples_in(tmp_path, "hat")


def _apart(one: Head, other: Head) -> float:
    """How far two heads are apart: the largest difference of a weight, as a part of the largest weight."""
    assert (one.name, one.base, one.points, one.share) == (other.name, other.base, other.points, other.share)
    assert one.measured.auc == pytest.approx(other.measured.auc, abs=0.003)
    assert one.offset == pytest.approx(other.offset, abs=0.1)
    return float(np.abs(one.matrix() - other.matrix()).max() / np.abs(other.matrix()).max())


@pytest.mark.long
@pytest.mark.slow("looks at some two thousand faces and makes every head anew")
def test_every_head_that_ships_is_made_again_to_the_same_bytes(shared_data: Path) -> None:
    """To the byte on the kind of processor that they were made on; on another, which may round otherwise, nearly so."""
    faces = shared_data / "attributes"
    if not faces.is_dir():
        pytest.skip("the labelled faces are not on this machine")
    shipped = known()
    looking: dict[tuple[str, str], Looker] = {}
    try:
        largest = Largest(from_environment())
    except MissingWeights as error:
        pytest.skip(str(error))
    assert {each.name for each in book().recipes} == shipped.keys()
    for recipe in book().recipes:
        read = book().read_by(recipe)
        try:
            looker = looking[read] = looking.get(read) or open_looker(from_environment(), recipe, largest)
        except MissingWeights as error:
            pytest.skip(str(error))
        examples = examples_in(faces, recipe.column, recipe.unless, book().without)
        again = made(recipe, book().points[recipe.points], examples, looker)
        if get_host_cpu_name() == MADE_ON:
            assert again.written() == shipped[recipe.name].written(), recipe.name
        assert _apart(again, shipped[recipe.name]) < 0.02, recipe.name
