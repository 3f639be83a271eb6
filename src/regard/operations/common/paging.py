"""Listings, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call


class Row(Protocol):
    """What can be listed: `id` rises along the listing."""

    @property
    def id(self) -> int:
        """Where the row stands."""


Listed = TypeVar("Listed", bound=Row)


def page(
    call: Call, rooms: Rooms, most: int, fetch: Callable[[int, int], list[Listed]]
) -> tuple[list[Listed], dict[str, str]]:
    """The page that the call asks for, and its NextToken member when more follows.

    `fetch(after, most)` gives rows behind the id `after`. A call that names no MaxResults, or 0, gets `most`; an
    empty NextToken, which samples of AWS's send, is none.
    Raises BadPageToken for a token of another listing.
    """
    most = call.parameters.get("MaxResults") or most
    asked = {name: value for name, value in call.parameters.items() if name not in ("NextToken", "MaxResults")}
    listing = [call.caller.organization, call.operation.name, asked]
    after = rooms.gallery.pages.read(listing, call.parameters.get("NextToken") or None)
    # One row more than asked for tells whether another page follows.
    rows = fetch(after, most + 1)
    if len(rows) <= most:
        return rows, {}
    return rows[:most], {"NextToken": rooms.gallery.pages.issue(listing, rows[most - 1].id)}
