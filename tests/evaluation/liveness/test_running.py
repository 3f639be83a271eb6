"""The sessions of a measurement are the same each time, and no person is in both halves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from regard.evaluation.liveness.running import cases
from regard.evaluation.liveness.sessions import ATTACKS, LIVE


def _folder(path: Path) -> Path:
    for number in range(1, 12):
        for end in ("", "_0", "_1"):
            (path / f"face_{number}{end}.jpeg").touch()
    (path / "LICENSE").touch()
    return path


def test_fifty_rounds_are_300_live_sessions_and_1000_attacks(tmp_path: Path) -> None:
    found = list(cases(_folder(tmp_path)))
    assert Counter(case.kind for case in found) == {LIVE: 300} | dict.fromkeys(ATTACKS, 200)
    assert Counter(case.half for case in found) == {"fit": 650, "test": 650}
    assert found == list(cases(tmp_path))
    assert len(set(found)) == len(found)


def test_nobody_is_in_both_halves(tmp_path: Path) -> None:
    found = list(cases(_folder(tmp_path), 5))
    people = [{case.person for case in found if case.half == half} for half in ("fit", "test")]
    assert not people[0] & people[1]
    assert people[0] | people[1] == set(range(1, 12))


def test_a_beginning_has_all_kinds_alike(tmp_path: Path) -> None:
    few = Counter(case.kind for case in cases(_folder(tmp_path), 1))
    assert few == {LIVE: 6} | dict.fromkeys(ATTACKS, 4)
