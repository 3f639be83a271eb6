"""Adapters of moderation: a version of one's own that moves what the base tells of a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from regard.custom.errors import ResourceNotReady
from regard.custom.projects import Feature
from regard.custom.versions.loaded import Backbone, Head
from regard.custom.versions.states import State
from regard.operations.common.errors import invalid_parameter, no_such_resource
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.custom_labels import PEOPLE, Project
from regard.vision.pictures.images import Picture
from regard.vision.things.moderation import ModerationLabel, chain, taxonomy

# Labels below this confidence are never given, as by the base.
_LEAST = 1.0


def adapter_of(call: Call, rooms: Rooms) -> Head | None:
    """The adapter that a call names, which was trained to the end; None where it names none, or one that has expired:
    the base answers then, as at AWS.

    Raises NoSuchResource, ResourceNotReady, ApiError, CustomChanged, and Denied.
    """
    arn = call.parameters.get("ProjectVersion")
    return None if arn is None else adapter_at(arn, rooms, call.caller.organization, lambda: call)


def adapter_at(arn: str, rooms: Rooms, organization: str, call: Callable[[], Call]) -> Head | None:
    """The adapter of an ARN, as :func:`adapter_of`. `call` is what the law is asked with, of one trained on people."""
    if rooms.workshop is None or rooms.features is None:
        raise no_such_resource(f"There is no adapter {arn}.")
    standing = rooms.workshop.versions.standing(organization, arn)
    if standing.feature is not Feature.CONTENT_MODERATION:
        raise invalid_parameter("ProjectVersion is no adapter: name it to DetectCustomLabels as ProjectVersionArn.")
    if standing.state is State.EXPIRED:
        return None
    if standing.state is not State.TRAINED:
        raise ResourceNotReady(f"The adapter {standing.name} is {standing.state}: wait for its end, or train another.")
    head = rooms.workshop.head(standing, Backbone.of(rooms.features))
    if rooms.matters is not None and (head.manifest.people or standing.tags.get(PEOPLE) == "yes"):
        # What was trained on faces looks at a picture as an operation on faces does.
        rooms.matters.use(call(), Project(standing.project, (), {PEOPLE: "yes"}))
    return head


def adapted(rooms: Rooms, head: Head, picture: Picture, found: list[ModerationLabel]) -> list[ModerationLabel]:
    """What the base found, as the adapter moves it: surest first, no label surer than one above it."""
    assert rooms.features is not None
    sure = {each.name: each.confidence for each in found}
    names = [label.name for label in head.manifest.labels]
    base = np.array([sure.get(name, 0.0) / 100 for name in names], np.float32)
    moved = head.scores(rooms.features.features_of(picture), base)
    sure |= {name: 100 * float(score) for name, score in zip(names, moved, strict=True) if name in taxonomy()}
    for name in sorted(sure, key=lambda each: -len(chain(each))):
        for above in chain(name)[:-1]:
            sure[above.name] = max(sure.get(above.name, 0.0), sure[name])
    labels = [
        ModerationLabel(name, taxonomy()[name].parent, len(chain(name)), each)
        for name, each in sure.items()
        if each >= _LEAST
    ]
    return sorted(labels, key=lambda label: (-label.confidence, label.level, label.name))
