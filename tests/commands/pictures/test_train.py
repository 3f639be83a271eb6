"""`regard train scenes`: a head is made of a folder of labelled pictures, and DetectLabels tells its words."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from regard.settings import from_environment
from regard.vision.heads.head import DamagedHead
from regard.vision.heads.scenes import SceneHead
from regard.vision.pictures.images import decode
from regard.vision.things.labels import LabelFinder
from tests.helpers.commands import run

SIDE, OF_EACH = 160, 12


def _drawn(sky: bool, source: str, seed: int) -> Image.Image:
    """Blue over coarse brown grains, as seen from the ground, or a red wall beside them. At night all is darker."""
    chance = np.random.default_rng(seed)
    grains = np.kron(chance.integers(40, 140, (20, 20, 1)), np.ones((8, 8, 1))) * np.array([1.0, 0.7, 0.4])
    if sky:
        grains[: SIDE // 2] = np.array([90, 150, 230]) + chance.normal(0, 3, (SIDE // 2, SIDE, 3))
    else:
        grains[:, : SIDE // 2] = np.array([190, 60, 50]) + chance.normal(0, 3, (SIDE, SIDE // 2, 3))
    return Image.fromarray((grains * (0.5 if source == "night" else 1)).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    lines = ["file,source,Open Sky,Luck"]
    for source in ("day", "night"):
        for number in range(2 * OF_EACH):
            name, sky = f"{source}-{number}.png", number % 2 == 0
            _drawn(sky, source, number + 100 * (source == "night")).save(folder / name)
            lines.append(f"{name},{source},{int(sky)},{int(number % 4 < 2)}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def head(photos: Path) -> Path:
    result = run("train", "scenes", photos, "--name", "ours", "--out", photos / "scenes.json")
    assert result.exit_code == 0, result.output
    # What shows is taken in, and what does not is named, and why.
    assert "Open Sky" in result.output
    assert "Left out: Luck" in result.output
    return photos / "scenes.json"


@pytest.mark.long
def test_detect_labels_tells_the_words_by_one_inference(head: Path, photos: Path) -> None:
    asked: list[str] = []
    settings = msgspec.structs.replace(from_environment(), scenes_file=head)
    finder = LabelFinder.opened(settings, lambda name, _: asked.append(name.partition("-")[0]))
    assert finder.version == f"3.0+{SceneHead.read(head).version}"
    for name, sky in (("day-0.png", True), ("day-1.png", False), ("night-2.png", True), ("night-3.png", False)):
        asked.clear()
        found = {label.name: label for label in finder(decode((photos / name).read_bytes()))}
        assert ("Open Sky" in found) == sky
        assert asked.count("things") == 1
    # What the classifier says is as without the head, but for what bf16 rounds in a layer that is given out.
    picture = decode((photos / "day-0.png").read_bytes())
    assert finder.scene(picture) == pytest.approx(LabelFinder.opened(from_environment()).scene(picture), abs=0.005)


@pytest.mark.long
def test_the_same_pictures_give_the_same_bytes(head: Path, photos: Path, tmp_path: Path) -> None:
    run("train", "scenes", photos, "--name", "ours", "--out", tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == head.read_bytes()


@pytest.mark.long
def test_a_head_of_another_classifier_stops_the_start(head: Path, tmp_path: Path) -> None:
    made = SceneHead.read(head)
    other = msgspec.structs.replace(made, base=msgspec.structs.replace(made.base, sha256="0" * 64))
    (tmp_path / "other.json").write_bytes(other.written())
    with pytest.raises(DamagedHead, match="another classifier"):
        LabelFinder.opened(msgspec.structs.replace(from_environment(), scenes_file=tmp_path / "other.json"))


def test_a_head_that_tells_of_people_stops_the_start(head: Path, tmp_path: Path) -> None:
    made = SceneHead.read(head)
    word = msgspec.structs.replace(made.words[0], name="Portrait")
    (tmp_path / "people.json").write_bytes(msgspec.structs.replace(made, words=(word,)).written())
    with pytest.raises(DamagedHead, match="tells Portrait: what is said of people"):
        LabelFinder.opened(msgspec.structs.replace(from_environment(), scenes_file=tmp_path / "people.json"))


def test_a_folder_without_a_table_and_a_name_with_spaces_are_refused(tmp_path: Path) -> None:
    assert "labels.csv" in str(run("train", "scenes", tmp_path).exception)
    assert run("train", "scenes", tmp_path, "--name", "my head").exit_code == 2
