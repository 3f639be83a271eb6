"""The page of jobs: shown, cancelled and tried again."""

from __future__ import annotations

from dataclasses import replace

from regard.jobs.job import Asked
from tests.helpers.consoled import Console
from tests.helpers.filled import MARKUP


def test_a_job_is_shown_cancelled_and_tried_again_by_an_operator_of_its_organization(console: Console) -> None:
    ada, jobs = console.somebody(), console.house.holdings.jobs
    assert "There are no jobs" in ada.get("/console/jobs").text
    film = {"Video": {"S3Object": {"Bucket": "films", "Name": f"{MARKUP}.mp4"}}, "JobTag": "street"}
    other = console.office.organizations.register("Another", "retail").id
    with console.office.engine.begin() as connection:
        asked = Asked(console.organization, "AKIA", "development", "StartLabelDetection", film)
        job, theirs = (jobs.start(connection, each) for each in (asked, replace(asked, organization=other)))
    text = ada.get("/console/jobs").text
    assert "1 of 1 job is not over yet" in text
    assert "StartLabelDetection" in text
    assert "<script>alert" not in text
    assert ada.post("/console/jobs/cancelled", {"job": theirs}).status_code == 404
    assert ada.post("/console/jobs/cancelled", {"job": job}).status_code == 303
    assert "Cancelled by the operator." in ada.get("/console/jobs").text
    assert ada.post("/console/jobs/again", {"job": job}).status_code == 303
    assert jobs.find(job).state == "queued"
    assert jobs.find(theirs).state == "queued"
