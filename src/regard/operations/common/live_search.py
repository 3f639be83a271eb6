"""Whether faces may be searched in live pictures: asked when a processor is made and started, and again at each frame.

Without a rule that lets it, and a motion that carries, it is refused.
"""

from __future__ import annotations

from collections.abc import Callable

from regard.stewardship.policy.denied import Denied
from regard.streams.processor import Processor

RULE = "no-live-face-search"
# Told of the processor as it stands; raises Denied where its search is not allowed at this moment.
LiveSearch = Callable[[Processor], None]


def refused(processor: Processor) -> None:
    """Nobody's: what there is where no policy says more. Raises Denied."""
    raise Denied(
        RULE,
        f"{processor.name} would search the faces of everybody who passes a camera, at once and without their doing.",
    )
