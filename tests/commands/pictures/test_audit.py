"""`regard audit` on photographs: a bias that was planted, none that was not, and strangers matched."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from regard.commands.pictures import audit
from regard.commands.record import log
from regard.evaluation.bias.audit import Threshold, at_rate, findings
from regard.evaluation.samples import embedding
from regard.evaluation.samples.embedding import Found, embed
from regard.evaluation.samples.pictures_on_disk import Labelled
from regard.evaluation.samples.sample import Sample, sample_of
from regard.evaluation.statistics.comparisons import genuine
from regard.settings import from_environment
from tests.helpers.started import started, stop

pytestmark = pytest.mark.long

# Faces of about 100 pixels come down to a fifth.
SHRUNK = 50


@pytest.fixture(scope="module")
def people(shared_data: Path, scale: float) -> list[Labelled]:
    """Two pictures each of so many people, whose groups take turns."""
    files = sorted((shared_data / "lfw").rglob("*.jpg"))
    several = [name for name, number in Counter(file.parent.name for file in files).items() if number > 1]
    chosen = {name: place for place, name in enumerate(several[: 227 if scale == 1 else 90])}
    taken: Counter[str] = Counter()
    pictures = []
    for file in files:
        name = file.parent.name
        if name in chosen and taken[name] < 2:
            taken[name] += 1
            pictures.append(Labelled(file, str(chosen[name]), {"half": "ab"[chosen[name] % 2]}))
    return pictures


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "data"


@pytest.fixture(scope="module")
def clean(people: list[Labelled], data_dir: Path) -> list[Found]:
    return embed(people, from_environment(data_dir=data_dir))


def _degraded(picture: Labelled, folder: Path) -> Labelled:
    file = io.BytesIO()
    with Image.open(io.BytesIO(picture.read())) as image:
        image.resize((SHRUNK, SHRUNK), Image.Resampling.BILINEAR).resize(image.size).save(file, "PNG")
    path = folder / f"{picture.subject}-{id(picture)}.png"
    path.write_bytes(file.getvalue())
    return Labelled(path, picture.subject, picture.groups)


def _missed(sample: Sample, score: float, half: int) -> float:
    pairs = genuine(sample.embeddings, sample.subjects)
    of = (
        (sample.attributes[0].codes[pairs.first] == half) & sample.enrolled[pairs.first] & sample.enrolled[pairs.second]
    )
    return float((pairs.scores[of] < score).mean())


def _written(pictures: Sequence[Labelled], file: Path) -> Path:
    with file.open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(["subject", "image", "half"])
        rows.writerows((each.subject, str(each.picture), each.groups["half"]) for each in pictures)
    return file


def test_a_planted_bias_is_found_signed_and_logged(
    people: list[Labelled], clean: list[Found], data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(data_dir))
    stop(started(data_dir))
    planted = [each if each.groups["half"] == "a" else _degraded(each, tmp_path) for each in people]
    words = ["run", str(_written(planted, tmp_path / "planted.csv")), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(audit.app, words, catch_exceptions=False)
    assert result.exit_code == 1, result.output
    report = json.loads((tmp_path / "out" / "audit.json").read_text())
    at = report["findings"]["attributes"][0]["thresholds"][-1]
    (found,) = [one for one in at["false_non_match"]["disparities"] if one["found"]]
    assert (found["higher"], found["lower"]) == ("b", "a")
    # The size is what the damage does to the very same people.
    ruined = sample_of(planted, embed(planted, from_environment(data_dir=data_dir)))
    score = at["threshold"]["score"]
    size = _missed(ruined, score, 1) - _missed(sample_of(people, clean), score, 1)
    assert 0 < found["difference_interval"]["low"] <= size <= found["difference_interval"]["high"]

    key = CliRunner().invoke(log.app, ["key"]).stdout.strip()
    told = CliRunner().invoke(audit.app, ["verify", str(tmp_path / "out"), "--key", key], catch_exceptions=False)
    assert json.loads(told.stdout)["results"]["people"] == len(people) // 2
    public = list((data_dir / "log" / "shards").rglob("public/**/*"))
    entries = b"".join(path.read_bytes() for path in public if path.is_file() and "entries" in str(path))
    assert b'"kind":"regard/audit"' in entries


@pytest.mark.slow("looks at hundreds of pictures twice, once in a process of its own")
def test_a_run_that_was_killed_goes_on_where_it_stopped_and_ends_in_the_same_report(
    people: list[Labelled],
    clean: list[Found],
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sample, resumed = _written(people, tmp_path / "people.csv"), tmp_path / "resumed"
    words = [sys.executable, "-m", "regard.cli", "audit", "run", str(sample), "-o", str(tmp_path / "never")]
    stop(started(resumed))
    process = subprocess.Popen(words, env=os.environ | {"REGARD_DATA_DIR": str(resumed)}, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not (found := list(resumed.glob("evaluation/*.found"))) or not found[0].stat().st_size:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    looking = _children(process.pid)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    # Who looked for it does not wait for ever for more.
    while any(map(_works, looking)):
        assert time.monotonic() < end
        time.sleep(0.01)
    kept = found[0].stat().st_size
    assert 0 < kept < _size(data_dir)

    looked: list[bytes] = []
    real = embedding._looked_at

    def counted(lacking: list[tuple[bytes, Labelled]], *given: Any) -> Iterator[dict[bytes, Found]]:
        looked.extend(digest for digest, _ in lacking)
        return real(lacking, *given)

    monkeypatch.setattr(embedding, "_looked_at", counted)
    reports = [_report(sample, folder, tmp_path / folder.name, monkeypatch) for folder in (resumed, data_dir)]
    assert 0 < len(looked) == len(set(looked)) < len(people)
    assert reports[0] == reports[1]


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _works(process: int) -> bool:
    """Whether it is there, and not only in the table."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _size(data_dir: Path) -> int:
    return sum(file.stat().st_size for file in data_dir.glob("evaluation/*.found"))


def _report(sample: Path, data_dir: Path, to: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The bytes of an audit's report, but for when it was made."""
    monkeypatch.setenv("REGARD_DATA_DIR", str(data_dir))
    CliRunner().invoke(audit.app, ["run", str(sample), "-o", str(to), "--no-log"], catch_exceptions=False)
    return re.sub(rb'"made":"[^"]*"', b"", (to / "audit.json").read_bytes())


def test_of_twenty_random_ways_to_group_the_same_people_at_most_two_are_flagged(
    people: list[Labelled], clean: list[Found]
) -> None:
    rng = np.random.default_rng(4)
    flagged = 0
    for _ in range(20):
        halves = rng.permutation(len(people) // 2) % 2
        labelled = [Labelled(each.picture, each.subject, {"half": "ab"[halves[int(each.subject)]]}) for each in people]
        sample = sample_of(labelled, clean)
        thresholds = [Threshold("loose", at_rate(sample, 1e-2)), Threshold("strict", at_rate(sample, 1e-3))]
        flagged += any(findings(sample, thresholds, ()).found())
    assert flagged <= 2


def test_people_are_matched_with_strangers_as_in_2018(
    people: list[Labelled], clean: list[Found], data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(data_dir))
    for each in people:
        folder = tmp_path / ("probes" if int(each.subject) < 30 else "gallery")
        folder.mkdir(exist_ok=True)
        assert isinstance(each.picture, Path)
        # The pictures of one person are several people here, or every match would be a true one.
        (folder / f"{each.subject}-{each.picture.stem[-1]}.jpg").write_bytes(each.read())
    subjects = sorted(file.stem for file in (tmp_path / "probes").iterdir())
    groups = "\n".join(["subject,half", *(f"{subject},{'ab'[place % 2]}" for place, subject in enumerate(subjects))])
    (tmp_path / "groups.csv").write_text(groups)
    words = ["congress", str(tmp_path / "probes"), str(tmp_path / "gallery"), "--groups", str(tmp_path / "groups.csv")]
    told = json.loads(CliRunner().invoke(audit.app, [*words, "--json"], catch_exceptions=False).stdout)
    assert [each["similarity"] for each in told] == [80, 95, 99]
    assert all(each["people"] == len(subjects) for each in told)
    assert all(sum(share["matched"] for share in each["shares"]) == each["matched"] for each in told)
    shown = CliRunner().invoke(audit.app, words, catch_exceptions=False).stdout
    assert "Falsely matched" in shown
