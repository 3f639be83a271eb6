"""Pictures are looked at once, and one that was learned from is known again in the test."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from regard.custom.judged import Box
from regard.custom.versions.looks import Look
from regard.custom.workbench.pictures import Labelled
from regard.custom.workbench.seeing import Twin, seen, twins
from regard.vision.pictures.images import Picture


def _look(picture: Picture) -> Look:
    return Look.of(picture.width, picture.height, 0.2, np.full(2, picture.width, np.float32), {})


def _scene(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 9, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((144, 128), Image.Resampling.BICUBIC)


def _saved(path: Path, picture: Image.Image) -> Labelled:
    picture.save(path)
    return Labelled(path, (path.stem,))


def test_a_file_that_is_there_twice_is_one_picture_with_the_labels_of_both(tmp_path: Path) -> None:
    again = tmp_path / "again.png"
    one = _saved(tmp_path / "one.png", _scene(0))
    again.write_bytes(one.path.read_bytes())
    shares: list[float] = []
    found, wrong = seen([one, Labelled(again, ("again",))], _look, {}, shares.append)
    assert [each.labels for each in found] == [("one", "again")]
    assert (wrong, shares) == ([], [0.5, 1.0])


def test_what_cannot_be_read_is_told_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("no picture")
    found, wrong = seen([_saved(tmp_path / "one.png", _scene(0)), Labelled(tmp_path / "broken.png", ())], _look)
    assert [each.kept.look.seen.tolist() for each in found] == [[144, 144]]
    assert len(wrong) == 1
    assert "broken.png" in wrong[0]


def test_a_copy_of_another_size_looks_alike_and_another_picture_does_not(tmp_path: Path) -> None:
    small = io.BytesIO()
    _scene(0).resize((90, 80)).save(small, "JPEG", quality=60)
    (tmp_path / "small.jpg").write_bytes(small.getvalue())
    test = [Labelled(tmp_path / "small.jpg", ("one",)), _saved(tmp_path / "two.png", _scene(1))]
    same = _saved(tmp_path / "one.png", _scene(0))
    (trained, _), (tested, _) = (seen(side, _look) for side in ([same], [*test, same]))
    path = str(same.path)
    assert twins(tested, trained) == [Twin(str(test[0].path), path, False), Twin(path, path, True)]
    assert twins(tested, []) == []


def test_what_was_seen_before_is_not_looked_at_again(tmp_path: Path) -> None:
    one, two = (_saved(tmp_path / f"{number}.png", _scene(number)) for number in range(2))
    (before,), _ = seen([one], _look)
    looked: list[Picture] = []

    def look(picture: Picture) -> Look:
        looked.append(picture)
        return _look(picture)

    found, _ = seen([one, two], look, {before.digest: before.kept})
    assert len(looked) == 1
    assert found[0] == before


def test_boxes_of_a_picture_of_another_size_are_told_and_left_out(tmp_path: Path) -> None:
    one = _saved(tmp_path / "one.png", _scene(0))._replace(labels=(), boxes=(Box("nut", 1, 1, 9, 9),))
    found, wrong = seen([one._replace(size=(144, 128))], _look)
    assert [each.names for each in found] == [("nut",)]
    assert wrong == []
    found, wrong = seen([one._replace(size=(145, 128))], _look)
    assert found == []
    assert "145×128 pixels, and it has 144×128" in wrong[0]
