"""The operations on collections and their tags; the rows are :mod:`regard.gallery.collections.collections`'s."""

from __future__ import annotations

import re

from regard.custom.arns import parse
from regard.custom.custom import Custom
from regard.custom.versions.workshop import Workshop
from regard.operations.common.errors import no_such_resource
from regard.operations.common.paging import page
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.common.tagging import processors_of, tag_processor
from regard.stewardship.council.collections import PROFILE
from regard.stewardship.council.vectors import heed_basis
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.faces.faces import VERSIONS

MOST_LISTED = 4096
_ARN = re.compile(r"arn:aws[a-z-]*:rekognition:[^:]*:(?P<organization>\d{12}):collection/(?P<collection>.+)")
_PROCESSOR_ARN = re.compile(r"arn:aws[a-z-]*:rekognition:[^:]*:(?P<organization>\d{12}):streamprocessor/(?P<name>.+)")


@operation("CreateCollection", Capability.MANAGE, DataClass.SETTINGS)
def create_collection(call: Call, rooms: Rooms) -> Answer:
    """Make a collection, pinned to the face model of the profile that its tags say, or else to the one that runs."""
    name, tags = call.parameters["CollectionId"], call.parameters.get("Tags", {})
    face_model = VERSIONS.get(tags.get(PROFILE, ""), rooms.faces.version)
    with rooms.writing(call) as connection:
        rooms.gallery.collections.create(connection, call.caller.organization, name, face_model, tags)
    return {"StatusCode": 200, "CollectionArn": _arn(call, name), "FaceModelVersion": face_model}


@operation("DeleteCollection", Capability.MANAGE, DataClass.TEMPLATES, ends=True)
def delete_collection(call: Call, rooms: Rooms) -> Answer:
    """Delete a collection, its faces and users, and the keys of its templates."""
    with rooms.writing(call) as connection:
        deleted = rooms.gallery.collections.delete(
            connection, call.caller.organization, call.parameters["CollectionId"]
        )
    rooms.gallery.destroy_keys(deleted.id)
    return {"StatusCode": 200}


@operation("DescribeCollection", Capability.READ, DataClass.SETTINGS)
def describe_collection(call: Call, rooms: Rooms) -> Answer:
    """How many faces and users a collection holds, and its face model."""
    with rooms.gallery.asking() as connection:
        found = rooms.gallery.collections.find(connection, call.caller.organization, call.parameters["CollectionId"])
    return {
        "FaceCount": found.faces,
        "UserCount": found.users,
        "FaceModelVersion": found.face_model,
        "CollectionARN": _arn(call, found.collection_id),
        "CreationTimestamp": found.created,
    }


@operation("ListCollections", Capability.READ, DataClass.SETTINGS)
def list_collections(call: Call, rooms: Rooms) -> Answer:
    """The organization's collections, oldest first, and in parallel their face models."""
    with rooms.gallery.reading() as connection:
        found, token = page(
            call,
            rooms,
            MOST_LISTED,
            lambda after, most: rooms.gallery.collections.page(connection, call.caller.organization, after, most),
        )
    return {
        "CollectionIds": [collection.collection_id for collection in found],
        "FaceModelVersions": [collection.face_model for collection in found],
        **token,
    }


@operation("TagResource", Capability.MANAGE, DataClass.SETTINGS)
def tag_resource(call: Call, rooms: Rooms) -> Answer:
    """Add tags to a collection, a stream processor, a project, a dataset or a version, or give them new values."""
    if processor := _processor(call):
        tag_processor(call, rooms, processor, lambda tags: tags | call.parameters["Tags"])
        return {}
    custom = _tightened(call, rooms)
    with rooms.writing(call) as connection:
        if custom is not None:
            custom.tag(connection, call.caller.organization, call.parameters["ResourceArn"], call.parameters["Tags"])
            return {}
        rooms.gallery.collections.tag(connection, call.caller.organization, _named(call), call.parameters["Tags"])
        heed_basis(connection, call.caller.organization, _named(call))
    return {}


@operation("UntagResource", Capability.MANAGE, DataClass.SETTINGS)
def untag_resource(call: Call, rooms: Rooms) -> Answer:
    """Remove tags from what `TagResource` adds them to; keys that it does not have are passed over."""
    if processor := _processor(call):
        gone = set(call.parameters["TagKeys"])
        tag_processor(call, rooms, processor, lambda tags: {key: tags[key] for key in tags.keys() - gone})
        return {}
    custom = _tightened(call, rooms)
    with rooms.writing(call) as connection:
        if custom is not None:
            keys = call.parameters["TagKeys"]
            custom.tag(connection, call.caller.organization, call.parameters["ResourceArn"], {}, keys)
            return {}
        rooms.gallery.collections.untag(connection, call.caller.organization, _named(call), call.parameters["TagKeys"])
    return {}


@operation("ListTagsForResource", Capability.READ, DataClass.SETTINGS)
def list_tags_for_resource(call: Call, rooms: Rooms) -> Answer:
    """The tags of what `TagResource` adds them to."""
    if processor := _processor(call):
        return {"Tags": processors_of(rooms).get(call.caller.organization, processor).tags}
    with rooms.gallery.reading() as connection:
        if (custom := _custom(call, rooms)) is not None:
            return {"Tags": custom.tags(connection, call.caller.organization, call.parameters["ResourceArn"])}
        return {"Tags": rooms.gallery.collections.tags(connection, call.caller.organization, _named(call))}


def _processor(call: Call) -> str | None:
    """The name of the stream processor in ResourceArn, of the caller's organization; None where it names none."""
    found = _PROCESSOR_ARN.fullmatch(call.parameters["ResourceArn"])
    return found["name"] if found and found["organization"] == call.caller.organization else None


def _arn(call: Call, collection_id: str) -> str:
    return call.arn(f"collection/{collection_id}")


def _custom(call: Call, rooms: Rooms) -> Workshop | Custom | None:
    """What keeps the tags, where ResourceArn is of custom labels."""
    return None if parse(call.parameters["ResourceArn"]) is None else rooms.workshop or rooms.custom


def _tightened(call: Call, rooms: Rooms) -> Workshop | Custom | None:
    """What keeps the tags, where ResourceArn is of custom labels. Raises Denied for reserved ones that are loosened."""
    custom = _custom(call, rooms)
    if custom is not None and rooms.matters is not None:
        with rooms.gallery.reading() as connection:
            current = custom.tags(connection, call.caller.organization, call.parameters["ResourceArn"])
        rooms.matters.tags(call, current)
    return custom


def _named(call: Call) -> str:
    """The CollectionId in ResourceArn. Of other organizations' resources nothing is said but that they are not here."""
    arn: str = call.parameters["ResourceArn"]
    found = _ARN.fullmatch(arn)
    if found is None or found["organization"] != call.caller.organization:
        raise no_such_resource(
            f"The resource: {arn} does not exist. Tags are of collections, stream processors, projects, datasets and "
            "versions of your own."
        )
    return found["collection"]
