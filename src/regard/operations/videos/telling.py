"""What all Get operations share: where the job stands, and what was found, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from regard.jobs.errors import NoSuchJob
from regard.jobs.job import Job, State
from regard.operations.common.errors import no_such_resource
from regard.operations.common.registry import Answer
from regard.operations.common.rooms import Rooms
from regard.operations.videos.starting import desk_of
from regard.stewardship.policy.call import Call

Element = dict[str, Any]
# How the elements of all parts become those of an answer: sorted, aggregated.
Arranged = Callable[[list[Element]], list[Element]]
Reading = Callable[[Rooms, Job], list[Element]]
MOST_RESULTS = 1000
_STATUS = {
    State.QUEUED: "IN_PROGRESS",
    State.RUNNING: "IN_PROGRESS",
    State.SUCCEEDED: "SUCCEEDED",
    State.FAILED: "FAILED",
}


def job_of(call: Call, rooms: Rooms, start: str) -> Job:
    """The job that a call asks about, which `start` started. Raises ApiError where there is none of these."""
    try:
        return desk_of(rooms).get(call.caller.organization, start, call.parameters["JobId"])
    except NoSuchJob:
        raise no_such_resource(f"Could not find JobId {call.parameters['JobId']}.") from None


def told(
    call: Call, rooms: Rooms, job: Job, member: str, arranged: Arranged | None = None, read: Reading | None = None
) -> Answer:
    """The answer about a job: `member` is the list of what was found, `arranged` says how it is told.

    `read` puts the elements together, where parts are more than elements one after the other.

    A job that is not over, or failed, has empty lists and no VideoMetadata.
    """
    answer: Answer = {"JobStatus": _STATUS[job.state], "JobId": job.id, member: []}
    answer |= {name: job.given[name] for name in ("Video", "JobTag") if name in job.given}
    if job.state is State.SUCCEEDED:
        elements, token = page(call, rooms, job, arranged, read)
        answer |= job.end | {member: elements} | ({"NextToken": token} if token else {})
    elif job.state is State.FAILED:
        answer["StatusMessage"] = job.cause
    return answer


def page(
    call: Call, rooms: Rooms, job: Job, arranged: Arranged | None, read: Reading | None = None
) -> tuple[list[Element], str]:
    """The elements that a call asks for, and the token of those behind them, empty where there are none.

    A token is good for this job, in this order, alone. Raises BadPageToken.
    """
    given = call.parameters
    most = min(given.get("MaxResults", MOST_RESULTS), MOST_RESULTS)
    asked = {name: given.get(name) for name in ("SortBy", "AggregateBy")}
    listing = [call.caller.organization, call.operation.name, job.id, asked]
    # AWS's own samples send an empty one for the first page.
    after = rooms.gallery.pages.read(listing, given.get("NextToken") or None)
    if arranged is None and read is None:
        found = _elements(rooms, job, after, most + 1)
    else:
        whole = (read or _all)(rooms, job)
        found = (arranged(whole) if arranged else whole)[after:]
    return found[:most], rooms.gallery.pages.issue(listing, after + most) if len(found) > most else ""


def _all(rooms: Rooms, job: Job) -> list[Element]:
    return [each for _, _, data in desk_of(rooms).found(job) for each in msgspec.json.decode(data)]


def _elements(rooms: Rooms, job: Job, after: int, most: int) -> list[Element]:
    """At most so many elements behind the first `after`, in the order in which they were found."""
    elements: list[Element] = []
    for before, _, data in desk_of(rooms).found(job, after):
        found: Sequence[Element] = msgspec.json.decode(data)
        elements += found[max(0, after - before) :]
        if len(elements) >= most:
            break
    return elements[:most]
