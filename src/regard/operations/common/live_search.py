"""Whether faces may be searched in live pictures: asked when a processor is made and started, and again at each frame.

Without a rule that lets it, and a motion that carries, it is refused.
"""

from __future__ import annotations

from collections.abc import Callable

from regard.stewardship.policy.call import Call
from regard.stewardship.policy.denied import Denied
from regard.streams.processor import Processor

RULE = "no-live-face-search"
# Told of the processor as it stands, and of the call that would make or start it, if one does; raises Denied where its
# search is not allowed at this moment.
LiveSearch = Callable[[Processor, Call | None], None]


def refused(processor: Processor, _call: Call | None = None) -> None:
    """Nobody's: what there is where no policy says more. Raises Denied."""
    raise Denied(
        RULE,
        f"{processor.name} would search the faces of everybody who passes a camera, at once and without their doing.",
    )
