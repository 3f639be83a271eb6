"""Fixtures that every room's tests share."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from PIL import Image

from tests.databases import POSTGRESQL, SQLITE, on
from tests.running import Running, running

# Machines are shared: how long one example takes says nothing of the code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


# These answer calls, or keep what calls leave behind: on both databases alike.
_ON_BOTH = (
    "test_operations_",
    "test_stewardship_",
    "test_concurrency",
    "test_database",
    "test_gallery_mirror",
    "test_gallery_model",
    "test_gallery_clients",
    "test_gallery_tokens",
    "test_gallery_key_renewal",
)
# Of these `make test` runs both already: what sets the databases apart shows here first.
_SOON = (
    "test_database",
    "test_concurrency",
    "test_gallery_model",
    "test_operations_enrolment",
    "test_stewardship_gate",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is to hold on both databases on both."""
    name = metafunc.module.__name__.rpartition(".")[2]
    if name.startswith(_ON_BOTH) and not list(metafunc.definition.iter_markers("sqlite")):
        other = pytest.param(POSTGRESQL, marks=() if name in _SOON else pytest.mark.long)
        metafunc.parametrize("database", [SQLITE, other], indirect=True)


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The kind of database that the test keeps its data on."""
    kind: str = getattr(request, "param", SQLITE)
    with on(kind):
        yield kind


@pytest.fixture(scope="session")
def scale() -> float:
    """What long counts are multiplied by: a tenth in `make test`, the full count in `make test-all`."""
    return 1.0 if os.environ.get("TEST_ALL") else 0.1


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The pictures for tests and measurements, beside the checkout; not part of the project."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the pictures for tests (../shared/data) are not on this machine")
    return folder


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
