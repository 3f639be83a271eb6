"""The log tells which model files run: at the first start, and where they are others."""

from __future__ import annotations

from pathlib import Path

from regard.database import open_database
from regard.stewardship.logbook.models_told import MODELS, tell_models
from tests.helpers.databases import database_url
from tests.helpers.logged import open_logged

ONE, OTHER = {"face-embedder": "1" * 64, "age": "2" * 64}, {"face-embedder": "3" * 64, "age": "2" * 64}


def test_the_log_tells_other_model_files_and_the_same_ones_once(tmp_path: Path) -> None:
    logged, engine = open_logged(tmp_path), open_database(database_url(tmp_path))
    for digests in (ONE, ONE, OTHER, OTHER, ONE):
        tell_models(engine, logged.logbook, digests)
    told = [entry["weights"] for entry in logged.entries() if entry["kind"] == MODELS]
    assert told == [ONE, OTHER, ONE]


def test_they_stand_in_the_log_before_the_first_call_that_they_answer(tmp_path: Path) -> None:
    logged = open_logged(tmp_path)
    tell_models(open_database(database_url(tmp_path)), logged.logbook, ONE)
    logged.ask("ListCollections")
    kinds = [entry["kind"] for entry in logged.entries()]
    assert kinds.index(MODELS) < kinds.index("regard/call")
