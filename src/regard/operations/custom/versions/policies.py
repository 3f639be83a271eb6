"""The operations on policies of projects, by which others may copy versions."""

from __future__ import annotations

from regard.custom.errors import NoSuchResource
from regard.operations.common.paging import page
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.settling import workshop_of
from regard.stewardship.policy.call import Call, Capability, DataClass

MOST_LISTED = 5


@operation(
    "PutProjectPolicy",
    Capability.MANAGE,
    DataClass.SETTINGS,
    lacks="A Condition is refused as malformed: nothing here weighs one.",
)
def put_project_policy(call: Call, rooms: Rooms) -> Answer:
    """Put a policy, or change the one of the revision that is named."""
    workshop, given = workshop_of(rooms), call.parameters
    with rooms.writing(call) as connection:
        project = workshop.projects.find(connection, call.caller.organization, given["ProjectArn"])
        revision = given.get("PolicyRevisionId") or None
        put = (given["PolicyName"], given["PolicyDocument"], revision)
        return {"PolicyRevisionId": workshop.policies.put(connection, project, *put)}


@operation("ListProjectPolicies", Capability.READ, DataClass.SETTINGS)
def list_project_policies(call: Call, rooms: Rooms) -> Answer:
    """The policies of a project, oldest first, at most five a page."""
    workshop = workshop_of(rooms)
    with rooms.gallery.reading() as connection:
        project = workshop.projects.find(connection, call.caller.organization, call.parameters["ProjectArn"])
        found, token = page(
            call, rooms, MOST_LISTED, lambda after, most: workshop.policies.page(connection, project, after, most)
        )
    policies = [
        {
            "ProjectArn": call.arn(project.resource),
            "PolicyName": each.name,
            "PolicyRevisionId": each.revision,
            "PolicyDocument": each.document,
            "CreationTimestamp": each.created,
            "LastUpdatedTimestamp": each.updated,
        }
        for each in found
    ]
    return {"ProjectPolicies": policies, **token}


@operation("DeleteProjectPolicy", Capability.MANAGE, DataClass.SETTINGS)
def delete_project_policy(call: Call, rooms: Rooms) -> Answer:
    """Delete a policy."""
    workshop, given = workshop_of(rooms), call.parameters
    with rooms.writing(call) as connection:
        project = workshop.projects.find(connection, call.caller.organization, given["ProjectArn"])
        try:
            revision = given.get("PolicyRevisionId") or None
            workshop.policies.delete(connection, project, given["PolicyName"], revision)
        except NoSuchResource:
            # The contract models no other code for it than that of the project.
            raise NoSuchResource(f"{given['ProjectArn']} policy {given['PolicyName']}") from None
    return {}
