"""The entry of the end of a job: how it ended, and how much it found, in coarse figures."""

from __future__ import annotations

from sqlalchemy import Connection

from regard.jobs.job import Job, Outcome
from regard.stewardship.logbook.entries import rounded
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.logbook.payloads import Part

KIND = "regard/job"


def record_end(logbook: Logbook, connection: Connection, job: Job, outcome: Outcome) -> None:
    """Record the end of a job within the transaction that ends it.

    Figures are told to one digit: the exact number of frames would tell which film it was. Who was found has details of
    their own, sealed, as of any search.
    """
    body = {
        "organization": job.organization,
        "operation": job.operation,
        "purpose": job.purpose,
        "outcome": str(job.state),
        "counts": {name: rounded(number) for name, number in outcome.counts.items()},
    }
    own = Part(job.organization, {"operation": f"end of {job.operation}", "job": job.id})
    people = [Part(job.organization, {"job": job.id} | details, whose) for whose, details in outcome.people]
    logbook.record(connection, KIND, body, [logbook.seal(part) for part in (own, *people)])
