"""Jobs: what waits for a worker, what is worked on, and what came of it; an operator cancels them and tries them again.

What a job found is not here: the Get operations tell it, by their own rules.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from regard.jobs.desk import Desk as Jobs
from regard.jobs.errors import NoSuchJob
from regard.jobs.job import Job, State
from regard.pages.console.desk import OPERATORS, Desk, Visit
from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.staff.staff import Role

MOST_SHOWN = 50
_READERS = frozenset({Role.OPERATOR, Role.AUDITOR})
_LIST = Operation("ListJobs", Capability.READ, DataClass.SETTINGS)
_CANCEL = Operation("CancelJob", Capability.MANAGE, DataClass.SETTINGS)
_RETRY = Operation("RetryJob", Capability.MANAGE, DataClass.SETTINGS)


def job_pages(desk: Desk, jobs: Jobs) -> list[Route]:
    """The routes."""

    def shown(visit: Visit) -> Response:
        known = jobs.all(visit.organization)
        return desk.show(
            visit,
            "jobs.html",
            here="/jobs",
            jobs=[(job, _film(job)) for job in known[:MOST_SHOWN]],
            number=len(known),
            open=sum(job.state.open for job in known),
            failed=State.FAILED,
        )

    def cancel(visit: Visit) -> Response:
        jobs.cancel(_theirs(visit).id)
        return desk.back("/jobs")

    def retry(visit: Visit) -> Response:
        jobs.retry(_theirs(visit).id)
        return desk.back("/jobs")

    def _theirs(visit: Visit) -> Job:
        wanted = visit.given("job")
        try:
            job = jobs.find(wanted)
        except NoSuchJob:
            job = None
        if job is None or job.organization != visit.organization:
            raise LookupError(f"There is no job {wanted} of yours.")
        return job

    return [
        desk.page("/jobs", shown, _READERS, _LIST),
        desk.form("/jobs/cancelled", cancel, OPERATORS, _CANCEL),
        desk.form("/jobs/again", retry, OPERATORS, _RETRY),
    ]


def _film(job: Job) -> str:
    """Where the film or the list of pictures is that a job is about."""
    place = (job.given.get("Video") or job.given.get("Input") or {}).get("S3Object", {})
    return f"s3://{place['Bucket']}/{place['Name']}" if {"Bucket", "Name"} <= place.keys() else ""
