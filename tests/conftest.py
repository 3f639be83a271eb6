"""Fixtures that every room's tests share."""

from __future__ import annotations

import gc
import io
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings
from PIL import Image

import regard.database
from regard.evaluation.samples.embedding import Found, embed, look_at
from regard.evaluation.samples.pictures_on_disk import Labelled, read_folder
from regard.evaluation.samples.sample import Sample, sample_of
from regard.settings import from_environment
from regard.vision.eyes import open_analyzer
from regard.vision.models import runtime
from tests.helpers.client_files import files_read_once
from tests.helpers.databases import POSTGRESQL, SQLITE, on
from tests.helpers.dealing import prepare
from tests.helpers.loaded import loaded_once
from tests.helpers.migrated import migrate_by_copy
from tests.helpers.running import Running, running
from tests.helpers.scratch import keep_in_memory
from tests.helpers.statements import compiled_once
from tests.helpers.stewarding import Stewardship

keep_in_memory()

# Machines are shared: how long one example takes says nothing of the code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


# These answer calls, or keep what calls leave behind: on both databases alike.
_ON_BOTH = (
    "tests.operations.",
    "tests.stewardship.",
    "tests.jobs.test_desk",
    "tests.jobs.test_notices",
    "tests.test_concurrency",
    "tests.test_database",
    "tests.gallery.index.test_mirror",
    "tests.gallery.test_model",
    "tests.gallery.test_clients",
    "tests.gallery.test_portraits",
    "tests.gallery.collections.test_tokens",
    "tests.gallery.templates.test_key_renewal",
)
# What is longer than a line of the sources is not a test's name.
_LONGEST_NAME = 120
# Of these `make test` runs both already: what sets the databases apart shows here first.
_SOON = (
    "tests.test_database",
    "tests.operations.gallery.test_enrolment",
    "tests.stewardship.gate.test_gate",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is to hold on both databases on both."""
    name = metafunc.module.__name__
    if name.startswith(_ON_BOTH) and not list(metafunc.definition.iter_markers("sqlite")):
        other = pytest.param(POSTGRESQL, marks=() if name in _SOON else pytest.mark.long)
        metafunc.parametrize("database", [SQLITE, other], indirect=True)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Say of a long text or file how long it is: pytest would spell it out, 13 MB of a picture, in each test's name."""
    return f"{argname} of {len(val):,}" if isinstance(val, str | bytes) and len(val) > _LONGEST_NAME else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `scale` multiplies, keep on one worker what shares a module's fixture, and begin with what is slow."""
    prepare(items)


def pytest_collection_finish() -> None:
    """Have the collector of garbage pass by the modules and tests, which are there to the end, and come less often.

    It took 6 of 100 seconds, most of them for a million objects of theirs; now it takes 2.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Return to the system what looking at hundreds of pictures left: glibc keeps a gigabyte of it."""
    if item.get_closest_marker("slow"):
        runtime._give_back()


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Name what failed as it fails: a run that is ended from outside never comes to its summary."""
    if not report.failed:
        return None
    return "failed" if report.when == "call" else "error", f"\nfailed: {report.nodeid}\n", "FAILED"


@pytest.fixture(scope="session", autouse=True)
def _copied_tables() -> Iterator[None]:
    """What tests open in their own process is made once: tables are copies, SQL is shared, and so are loaded models."""
    with patch.object(regard.database, "migrate", migrate_by_copy), compiled_once(), loaded_once(), files_read_once():
        yield


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The kind of database that the test keeps its data on."""
    kind: str = getattr(request, "param", SQLITE)
    with on(kind):
        yield kind


@pytest.fixture(scope="session")
def scale() -> float:
    """What long counts are multiplied by: a tenth in `make test`, the full count elsewhere."""
    return 1.0 if os.environ.get("TEST_ALL") else 0.1


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The pictures for tests and measurements, beside the checkout; not part of the project."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the pictures for tests (../shared/data) are not on this machine")
    return folder


@pytest.fixture(scope="session")
def looked(
    shared_data: Path, scale: float, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path | bytes], Found]:
    """What is found in a press photograph of LFW: in each of all 2,730 at full count, else in those that are asked for.

    They are looked at once, for tests of the group `press`.
    """
    if scale < 1:
        analyzer = open_analyzer(from_environment())
        return cache(lambda path: look_at(analyzer, Labelled(path, ""), "central"))
    pictures = read_folder(shared_data / "lfw")
    found = embed(pictures, from_environment(data_dir=tmp_path_factory.mktemp("press")))
    return {each.picture: what for each, what in zip(pictures, found, strict=True)}.__getitem__


@pytest.fixture(scope="session")
def press(shared_data: Path, scale: float, looked: Callable[[Path | bytes], Found]) -> Sample:
    """The 2,730 press photographs of LFW as a sample."""
    if scale < 1:
        pytest.skip("2,730 pictures are looked at in `make test-all`")
    pictures = read_folder(shared_data / "lfw")
    return sample_of(pictures, [looked(each.picture) for each in pictures])


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One running service for the tests that only ask it things."""
    with running(tmp_path_factory.mktemp("service")) as started:
        yield started


@pytest.fixture(scope="session")
def portrait() -> bytes:
    """A JPEG file with one face, of 512×512 pixels, that an installed package ships."""
    from skimage.data import astronaut

    file = io.BytesIO()
    Image.fromarray(astronaut()).save(file, "JPEG", quality=92)
    return file.getvalue()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Stewardship]:
    """A council, a gate and a log of the test's own."""
    made = Stewardship(tmp_path)
    yield made
    made.logbook.close()
