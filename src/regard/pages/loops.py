"""The pages of human loops, for the organization that asked; reviewers see the pictures on `review`."""

from __future__ import annotations

from typing import Any

import msgspec

from regard.pages.people_api import Asked, Nothing, Page
from regard.stewardship.people.loops import Loops
from regard.stewardship.policy.call import Capability, DataClass, Operation

PATH = "/human-loops"


def loop_pages(loops: Loops) -> list[Page]:
    """The pages; they give no picture back."""

    def listed(asked: Asked) -> Any:
        """List the human loops of the organization: the labels, and the reviewer's verdict where there is one."""
        return {"loops": msgspec.to_builtins(loops.all(asked.organization))}

    def shown(asked: Asked) -> Any:
        """One human loop, by its HumanLoopName."""
        return msgspec.to_builtins(loops.get(asked.organization, asked.path["loop"]))

    listing, showing = (
        Operation(name, Capability.READ, DataClass.OBJECTS) for name in ("ListHumanLoops", "GetHumanLoop")
    )
    return [
        Page("GET", PATH, listing, Nothing, listed),
        Page("GET", PATH + "/{loop}", showing, Nothing, shown),
    ]
