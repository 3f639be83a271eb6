"""The picture of a call, and what its file lacks."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from regard.operations.common.errors import ApiError
from tests.helpers.logged import open_logged


def _file(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (200, 200), "white").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "end"), [("JPEG", 2), ("PNG", 12)])
def test_a_file_that_lacks_its_end_is_answered_and_remarked(tmp_path: Path, kind: str, end: int) -> None:
    service = open_logged(tmp_path)
    whole, call = service.ask("DetectFaces", Image={"Bytes": _file(kind)})
    assert "x-regard-picture" not in call.remarks
    answer, call = service.ask("DetectFaces", Image={"Bytes": _file(kind)[:-end]})
    assert answer == whole
    assert "lacks its end" in call.remarks["x-regard-picture"]


def test_a_file_that_lacks_more_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ApiError) as refused:
        open_logged(tmp_path).ask("DetectFaces", Image={"Bytes": _file("JPEG")[:-40]})
    assert refused.value.code == "InvalidImageFormatException"
