"""What the log tells of a model of one's own: its digest and a commitment, and no name that somebody gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from regard.custom.projects import Feature
from regard.custom.versions.states import State
from regard.custom.versions.workshop import VERSION
from regard.jobs.job import Asked, Outcome
from regard.jobs.working import Task, Worker
from regard.stewardship.holdings import open_holdings
from regard.stewardship.logbook.entry_words import in_words
from regard.stewardship.records import tables
from tests.helpers.started import started, stop

DIGEST = "ab" * 32


@pytest.mark.parametrize(("state", "change"), [(State.TRAINING, "trained"), (State.COPYING, "copied")])
def test_the_model_is_in_the_record_from_when_it_is_there(tmp_path: Path, state: State, change: str) -> None:
    office = started(tmp_path)
    holdings = open_holdings(office)
    (organization,) = [each.id for each in office.organizations.all()][:1]
    desk, workshop = holdings.jobs, holdings.workshop
    with holdings.gallery.writing() as connection:
        project = workshop.projects.create(connection, organization, "secret", Feature.CUSTOM_LABELS, None, {})
        version = workshop.versions.create(connection, project, "v1", state, {}, {})
        asked = Asked(organization, "AKIA", "quality", "CreateProjectVersion", {}, {VERSION: version.id})
        workshop.versions.at_work(connection, version, desk.start(connection, asked))

    def work(_task: Task) -> Outcome:
        # Nothing is told as long as the model is not there.
        assert _told(office) == []
        end = {"Told": {"StatusMessage": "done"}, "Digest": DIGEST, "Logged": {"labels": ["Bob"], "people": True}}
        return Outcome(end, {"pictures": 12})

    Worker(desk, {"CreateProjectVersion": work}, "one").run(desk.all()[0].id)
    (told,) = _told(office)
    assert (told["change"], told["purpose"], told["model"], told["people"]) == (change, "quality", DIGEST, True)
    assert len(told["commitments"]) == 1
    assert not {"secret", "v1", "Bob", "AKIA"} & set(str(told).replace("'", " ").split())
    assert in_words(told | {"kind": "regard/version"}).startswith(f"A model of one's own was {change} for quality.")
    with holdings.gallery.reading() as connection:
        assert workshop.versions.get(connection, organization, version.id).digest == DIGEST
    stop(office)


def _told(office: Any) -> list[dict[str, Any]]:
    with office.engine.connect() as connection:
        bodies = connection.execute(select(tables.records.c.kind, tables.records.c.body)).all()
    return [msgspec.json.decode(body) for kind, body in bodies if kind == "regard/version"]
