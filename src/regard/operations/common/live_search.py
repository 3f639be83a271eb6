"""Whether faces may be searched in live pictures: asked when a processor is made and started, and again at each frame.

Without a rule that lets it, and a motion that carries, it is refused.
"""

from __future__ import annotations

from collections.abc import Callable

from regard.stewardship.council import live_search
from regard.stewardship.gate.matters import Matters, Search
from regard.stewardship.parties.keys import AccessKey
from regard.stewardship.policy.call import Call, Caller
from regard.stewardship.policy.denied import Denied
from regard.streams.processor import Processor
from regard.streams.sources import Sources

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


class LiveSearches:
    """Asks the policy in force, with the source that the processor's stream leads to now.

    `find_key` gives the key that started a session.
    """

    def __init__(self, matters: Matters, sources: Sources, find_key: Callable[[str], AccessKey | None]) -> None:
        self._matters, self._sources, self._find_key = matters, sources, find_key

    def __call__(self, processor: Processor, call: Call | None) -> None:
        """Let it go on, for this frame. Raises Denied, and what reading the source raises."""
        asked = processor.given["Settings"]["FaceSearch"]
        camera = self._sources.camera(processor.stream)
        told = live_search.Processor(processor.arn, processor.stream, camera, asked["CollectionId"])
        search = Search(
            self._caller(processor, call),
            told,
            asked["CollectionId"],
            asked.get("FaceMatchThreshold"),
            # From where a session was started counted then.
            loopback=call is None or call.loopback,
        )
        self._matters.live_search(search, call)

    def _caller(self, processor: Processor, call: Call | None) -> Caller:
        if call is not None:
            return call.caller
        key = self._find_key(processor.session.access_key) if processor.session else None
        if key is None:
            raise Denied("revoked-key", "The access key that started the processor works no more.")
        return key.caller
