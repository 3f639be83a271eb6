"""`regard evaluate`: records and calibrations on disk, rates and nobody's name."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from regard.cli import app
from regard.evaluation.accuracy.plots import NoPlots, require
from regard.evaluation.samples import embedding
from regard.evaluation.samples.embedding import Found
from regard.evaluation.samples.pictures_on_disk import Labelled
from regard.vision.faces.similarity import Calibration

PEOPLE, PICTURES = 520, 3


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of people whose pictures need no looking at: their names say what would be found."""
    for person in range(PEOPLE):
        (tmp_path / "people" / f"person-{person}").mkdir(parents=True)
        for number in range(PICTURES):
            (tmp_path / "people" / f"person-{person}" / f"{number}.jpg").write_bytes(b"")
    monkeypatch.setattr(embedding, "embed", _embedded)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "people"


def _embedded(pictures: list[Labelled], *_: object) -> list[Found]:
    rng = np.random.default_rng(0)
    persons = rng.standard_normal((PEOPLE, 128))
    return [_found(persons[int(each.subject.rpartition("-")[2])] + 0.6 * rng.standard_normal(128)) for each in pictures]


def _found(row: np.ndarray) -> Found:
    unit = (row / np.linalg.norm(row)).astype("<f4")
    return Found("enrolled", embedding=unit.tobytes(), faces=1, side=120.0, detecting=0.004, embedding_time=0.012)


def _run(*words: str) -> str:
    answer = CliRunner().invoke(app, ["evaluate", *words], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    # In 80 columns a table's cells go on in the next line: none is cut.
    rows = [line for line in answer.output.splitlines() if line.startswith(" ")]
    assert all(len(line) <= 80 and "…" not in line for line in rows)
    return answer.output


def test_verify_writes_a_record_of_rates_and_nobodys_name(people: Path) -> None:
    told = _run("verify", str(people), "--no-plots")
    record = json.loads(Path("evaluation/record.json").read_text())
    assert record["verification"]["impostor"] == PEOPLE * (PEOPLE - 1) // 2
    assert record["verification"]["genuine"] == PEOPLE * PICTURES
    at_80 = record["similarities"][0]
    assert at_80["false_match"]["trials"] == PEOPLE * (PEOPLE - 1) // 2
    assert at_80["false_non_match"]["trials"] == PEOPLE
    assert "by pairs of people" in Path("evaluation/record.md").read_text()
    assert record["verification"]["accuracy"]["mean"] > 0.99
    assert len(record["verification"]["accuracy"]["folds"]) == 10
    assert [at["similarity"] for at in record["similarities"]] == [80, 90, 99, 99.9]
    assert (record["people"], record["detection"]["failure_to_enrol"]["NONE"]) == (PEOPLE, 0)
    assert "person-" not in told + Path("evaluation/record.json").read_text() + Path("evaluation/record.md").read_text()


def test_verify_on_pairs_takes_the_threshold_of_a_fold_from_the_others(people: Path) -> None:
    lines = [f"person-{n}/0.jpg person-{n}/1.jpg 1\nperson-{n}/0.jpg person-{n + 1}/1.jpg 0" for n in range(200)]
    Path("pairs.txt").write_text("\n".join(lines))
    _run("verify", str(people), "--pairs", "pairs.txt", "--no-plots", "--out", "listed")
    told = json.loads(Path("listed/record.json").read_text())["verification"]
    assert (told["genuine"], told["impostor"]) == (200, 200)
    assert told["accuracy"]["mean"] == 1
    assert all(0.1 < fold["threshold"] < 0.7 for fold in told["accuracy"]["folds"])


@pytest.mark.long
def test_identify_tells_both_error_rates_by_size_of_gallery(people: Path) -> None:
    _run("identify", str(people), "--gallery", "50", "--gallery", "200", "--no-plots")
    record = json.loads(Path("evaluation/record.json").read_text())
    assert [gallery["people"] for gallery in record["galleries"]] == [50, 200]
    assert {(one["gallery"], one["similarity"]) for one in record["expected"]} >= {(1_000, 80), (1_000_000, 99.9)}


def test_calibrate_writes_a_file_that_can_be_used(people: Path) -> None:
    told = _run("calibrate", str(people), "--as", "drawn at random", "--version", "own-1")
    made = Calibration.read(Path("calibration.json").read_bytes())
    assert made.name == "1.0/own-1"
    assert "one half, 260 people in 780 pictures, each pair of people weighing one" in made.fitted_on
    assert {each.false_match.trials for each in made.points if each.false_match} == {260 * 259 // 2}
    assert "by pairs of people" in " ".join(told.split())
    assert made.points[-1].basis == "extrapolated"
    assert "REGARD_CALIBRATION_FILE" in told


def test_names_that_are_one_person_are_left_out_and_counted(people: Path) -> None:
    Path("same.csv").write_text("person-1,person-2\nperson-3, person-4\nsomebody,person-5\n\n")
    for command in (("verify", "--no-plots"), ("calibrate", "--as", "drawn at random", "--version", "own-1")):
        told = _run(command[0], str(people), "--same", "same.csv", *command[1:])
        assert "2 pairs of names are left out as one person" in " ".join(told.split())
    record = json.loads(Path("evaluation/record.json").read_text())
    assert record["verification"]["impostor"] == PEOPLE * (PEOPLE - 1) // 2 - 2
    made = Calibration.read(Path("calibration.json").read_bytes())
    assert "person-" not in json.dumps(record) + Path("calibration.json").read_text()
    halves = made.fitted_on + made.tested_on
    # Two whose names the lot parted are compared in neither half.
    assert halves.count("of the pairs of names that are one person") <= 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("person-1\n", "line 1: give two names"),
        ("person-1,person-2\nperson-3,person-3\n", "line 2: give two names"),
        ("person-1,person-2,person-3\n", "line 1: give two names"),
        ("a,b\nc,d\n", "None of the 2 pairs of names in same.csv is among the 520 people"),
        ("", "None of the 0 pairs"),
    ],
)
def test_a_list_of_names_that_says_nothing_of_these_people_is_an_error(people: Path, text: str, why: str) -> None:
    Path("same.csv").write_text(text)
    assert why in _refused("verify", str(people), "--same", "same.csv", "--no-plots")


def test_listed_pairs_take_no_list_of_names(people: Path) -> None:
    Path("same.csv").write_text("person-1,person-2")
    Path("pairs.txt").write_text("person-1/0.jpg person-1/1.jpg 1\nperson-1/0.jpg person-2/1.jpg 0")
    answer = CliRunner().invoke(app, ["evaluate", "verify", str(people), "--pairs", "pairs.txt", "--same", "same.csv"])
    assert answer.exit_code == 2
    assert "listed pairs say themselves who is the same" in " ".join(answer.output.split())


def _refused(*words: str) -> str:
    answer = CliRunner().invoke(app, ["evaluate", *words])
    assert answer.exit_code != 0
    assert isinstance(answer.exception, ValueError)
    assert not Path("evaluation").exists()
    return str(answer.exception)


def test_pairs_whose_pictures_are_not_there_are_an_error_that_says_what_was_looked_for(people: Path) -> None:
    Path("elsewhere").mkdir()
    Path("pairs.txt").write_text("person-1/0.jpg person-1/1.jpg 1\nperson-1/0.jpg person-2/1.jpg 0")
    told = _refused("verify", "elsewhere", "--pairs", "pairs.txt", "--no-plots")
    assert "3 of the 3 pictures that pairs.txt names are not there" in told
    assert "elsewhere/person-1/0.jpg" in told
    (people / "person-2" / "1.jpg").unlink()
    assert "1 of the 3 pictures" in _refused("verify", str(people), "--pairs", "pairs.txt", "--no-plots")


@pytest.mark.parametrize("kind", [0, 1])
def test_pairs_of_one_kind_have_no_accuracy(people: Path, kind: int) -> None:
    Path("pairs.txt").write_text("\n".join(f"person-{n}/0.jpg person-{n + 1 - kind}/1.jpg {kind}" for n in range(40)))
    told = _refused("verify", str(people), "--pairs", "pairs.txt", "--no-plots")
    assert f"{40 * kind} of one person and {40 - 40 * kind} of two" in told


def test_pairs_without_a_face_have_no_accuracy(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "embed", lambda pictures, *_: [Found("no face") for _ in pictures])
    Path("pairs.txt").write_text("person-1/0.jpg person-1/1.jpg 1\nperson-1/0.jpg person-2/1.jpg 0")
    told = _refused("verify", str(people), "--pairs", "pairs.txt", "--no-plots")
    assert "0 of one person and 0 of two could be compared, with a face in 0 of 3 pictures" in told


@pytest.mark.parametrize("command", [("verify", "--no-plots"), ("identify", "--no-plots"), ("detect",)])
def test_a_list_without_pictures_is_an_error(people: Path, command: tuple[str, ...]) -> None:
    Path("none.csv").write_text("subject,image\n")
    assert "none.csv names no picture" in _refused(command[0], "none.csv", *command[1:])


@pytest.mark.parametrize("command", ["verify", "identify", "detect", "calibrate"])
def test_a_folder_without_pictures_is_an_error(people: Path, command: str) -> None:
    Path("empty").mkdir()
    more = {"calibrate": ["--as", "none", "--version", "1"], "detect": []}.get(command, ["--no-plots"])
    assert "no JPEG or PNG file under empty" in _refused(command, "empty", *more)


def test_pictures_of_which_none_can_be_read_tell_nothing_of_detection(
    people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "embed", lambda pictures, *_: [Found("unreadable") for _ in pictures])
    assert f"None of the {PEOPLE * PICTURES:,} pictures could be read" in _refused("detect", str(people))


def test_an_audit_that_compared_nothing_is_no_pass_and_not_logged(people: Path, begun: None) -> None:
    rows = [f"person-{n},people/person-{n}/{k}.jpg,{'ab'[n % 2]}" for n in range(6) for k in range(2)]
    Path("few.csv").write_text("\n".join(["subject,image,half", *rows]))
    # Of so few people, nobody is mistaken at such a threshold.
    answer = CliRunner().invoke(app, ["audit", "run", "few.csv", "--fmr", "0.5", "--similarity", "1", "-o", "out"])
    assert answer.exit_code == 2, answer.output
    assert "Nothing was compared" in answer.output
    assert "No disparity" not in answer.output
    assert "Nothing was compared" in Path("out/audit.md").read_text()
    assert b"regard/audit" not in b"".join(file.read_bytes() for file in Path("data").rglob("*") if file.is_file())


@pytest.mark.long
def test_plots_are_drawn_where_matplotlib_is(people: Path) -> None:
    pytest.importorskip("matplotlib")
    _run("verify", str(people), "--out", "drawn")
    _run("identify", str(people), "--gallery", "50", "--gallery", "100", "--out", "drawn")
    for name in ("roc", "det", "identification"):
        assert Path(f"drawn/{name}.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_remedy_is_told_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(NoPlots, match=r"regard\[evaluate\]"):
        require()


@pytest.mark.long
def test_detect_tells_failures_and_speed(tmp_path: Path, portrait: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(portrait)
    (tmp_path / "photos" / "torn.jpg").write_bytes(portrait[:2_000])
    _run("detect", str(tmp_path / "photos"), "--out", str(tmp_path / "out"))
    told = json.loads((tmp_path / "out" / "record.json").read_text())["detection"]
    assert (told["pictures"], told["unreadable"], told["without_face"], told["one_face"]) == (2, 1, 0, 1)
    assert told["failure_to_detect"] == 0
    assert told["failure_to_enrol"]["NONE"] == 0.5
    assert told["speed"]["embedding"] > 0
