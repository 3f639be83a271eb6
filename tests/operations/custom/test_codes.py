"""The codes of AWS's: each that can come is there, and some test has it come."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.custom.codes import DatasetCode, LineCode
from regard.custom.versions.faults import Fault

pytestmark = pytest.mark.sqlite("no database is asked")
TESTS = Path(__file__).parents[2]
DATASETS = """
MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT MANIFEST_SIZE_TOO_LARGE MANIFEST_ROWS_EXCEEDS_MAXIMUM
INVALID_PERMISSIONS_MANIFEST_S3_BUCKET TOO_MANY_RECORDS_IN_ERROR MANIFEST_TOO_MANY_LABELS
INSUFFICIENT_IMAGES_PER_LABEL_FOR_DISTRIBUTE
"""
LINES = """
MISSING_SOURCE_REF INVALID_SOURCE_REF_FORMAT NO_LABEL_ATTRIBUTES INVALID_LABEL_ATTRIBUTE_FORMAT
INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT MISSING_BOUNDING_BOX_CONFIDENCE MISSING_CLASS_MAP_ID INVALID_JSON_LINE
NO_VALID_LABEL_ATTRIBUTES INVALID_IMAGE INVALID_IMAGE_DIMENSION INVALID_BOUNDING_BOX NO_VALID_ANNOTATIONS
BOUNDING_BOX_TOO_SMALL TOO_MANY_BOUNDING_BOXES UNSUPPORTED_USE_CASE_TYPE INVALID_LABEL_NAME_LENGTH
UNANNOTATED_RECORD NO_ANNOTATIONS NO_ATTRIBUTE_ANNOTATIONS
"""
TRAININGS = """
TOO_MANY_INVALID_ROWS_IN_MANIFEST IMAGES_IN_MULTIPLE_S3_BUCKETS INVALID_PERMISSIONS_IMAGES_S3_BUCKET
INVALID_IMAGES_S3_BUCKET_OWNER INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT MANIFEST_TOO_FEW_LABELS
MANIFEST_TOO_MANY_LABELS MANIFEST_TOO_FEW_USABLE_LABELS INSUFFICIENT_LABEL_OVERLAP INSUFFICIENT_USABLE_LABEL_OVERLAP
FAILED_IMAGES_S3_COPY
"""
# Who owns a bucket is not known here: what the operator lets counts, and where that is not so another code comes.
NEVER = {"INVALID_IMAGES_S3_BUCKET_OWNER"}


def _bare(code: str) -> str:
    return code.removeprefix("ERROR_").removeprefix("WARNING_")


def test_every_code_of_the_contract_is_there_but_one_that_cannot_come() -> None:
    assert {_bare(code) for code in DatasetCode} == set(DATASETS.split())
    assert {_bare(code) for code in LineCode} == set(LINES.split())
    told_in_files = {_bare(code) for code in list(Fault)[list(Fault).index(Fault.TOO_MANY_INVALID_ROWS) :]}
    assert told_in_files == set(TRAININGS.split()) - NEVER


@pytest.mark.parametrize("code", [*DatasetCode, *LineCode, *Fault])
def test_some_test_has_each_code_come_by_its_name_or_by_what_clients_are_told(
    code: DatasetCode | LineCode | Fault,
) -> None:
    text = code.text() if isinstance(code, LineCode) else code.text
    folders = (TESTS / "custom", TESTS / "operations" / "custom")
    sources = [each.read_text() for folder in folders for each in folder.rglob("test_*.py") if each != Path(__file__)]
    sources.append((TESTS / "helpers" / "customs.py").read_text())
    assert any(text in each or _bare(code) in each for each in sources), code
