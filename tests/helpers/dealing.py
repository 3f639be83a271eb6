"""How tests are dealt out: to `make test` and `make test-rest` by their marks, and to the workers of either.

Which are `long` the tests say themselves, which are `scaled` shows in what they use. `tests/test_dealing.py` holds that
the two runs have every test between them, and both only what is scaled.
"""

from __future__ import annotations

import pytest


def prepare(items: list[pytest.Item]) -> None:
    """Mark and sort the tests of a run: the slow ones first, those of one module that share its fixtures together."""
    for item in items:
        assert isinstance(item, pytest.Function)
        if _scaled(item):
            item.add_marker("scaled")
        if _shares(item) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))
    slow = {_together(item) for item in items for mark in item.iter_markers("slow") if _why(mark)}
    items.sort(key=lambda item: _together(item) not in slow)


def _why(mark: pytest.Mark) -> str:
    if len(mark.args) != 1:
        raise pytest.UsageError("a test that is marked as slow says why")
    return str(mark.args[0])


def _scaled(item: pytest.Function) -> bool:
    """Whether it uses the fixture `scale`; a parameter of that name is another thing."""
    chosen = item.callspec.params if hasattr(item, "callspec") else {}
    return "scale" in item.fixturenames and "scale" not in chosen


def _shares(item: pytest.Function) -> bool:
    """Whether it uses what is made once for its module."""
    made = item._fixtureinfo.name2fixturedefs
    return any(each.scope == "module" for name in item.fixturenames for each in made.get(name, ()))


def _together(item: pytest.Item) -> str:
    """What is run on one worker, in one go."""
    group = item.get_closest_marker("xdist_group")
    return item.nodeid if group is None else str(group.args[0])
