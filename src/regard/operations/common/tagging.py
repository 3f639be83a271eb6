"""Tags of stream processors, which TagResource and its like are asked for beside those of collections."""

from __future__ import annotations

from collections.abc import Callable

from regard.operations.common.errors import invalid_parameter
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call
from regard.streams.processors import Processors

# The API's, for all that has tags.
MOST_TAGS = 200


def processors_of(rooms: Rooms) -> Processors:
    """The stream processors."""
    assert rooms.streams is not None
    return rooms.streams.processors


def tag_processor(call: Call, rooms: Rooms, name: str, changed: Callable[[dict[str, str]], dict[str, str]]) -> None:
    """Give a stream processor other tags. Raises NoSuchProcessor, ApiError."""
    processors = processors_of(rooms)
    with rooms.writing(call) as connection:
        found = processors.found(connection, call.caller.organization, name)
        tags = changed(found.tags)
        if len(tags) > MOST_TAGS:
            raise invalid_parameter(f"A stream processor has {MOST_TAGS} tags at most.")
        processors.change(connection, found, tags=tags)
