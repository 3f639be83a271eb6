"""Live video: what looks at which camera, how late, and what it told last; and the button that stops it.

An operator sees and stops those of their organization. A member of the council sees every search for faces besides,
whoever makes it, and stops it at once.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from regard.pages.console.desk import Desk, Visit
from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.staff.staff import Role
from regard.streams.errors import ProcessorInUse
from regard.streams.processor import Processor
from regard.streams.streams import Streams

_READERS = frozenset({Role.OPERATOR, Role.COUNCIL, Role.AUDITOR})
_STOPPERS = frozenset({Role.OPERATOR, Role.COUNCIL})
_LIST = Operation("ListStreamProcessors", Capability.READ, DataClass.SETTINGS)
_STOP = Operation("StopStreamProcessor", Capability.MANAGE, DataClass.SETTINGS)


@dataclass(frozen=True, slots=True)
class Shown:
    """A processor; the lag of its frames in seconds, None where nobody works on it; and whether it may be stopped."""

    processor: Processor
    lag: float | None
    stops: bool

    @property
    def searched(self) -> str:
        """What it looks for."""
        settings = self.processor.given["Settings"]
        if self.processor.searches_faces:
            return f"faces of {settings['FaceSearch']['CollectionId']}"
        return ", ".join(settings["ConnectedHome"]["Labels"])


def stream_pages(desk: Desk, streams: Streams) -> list[Route]:
    """The routes."""
    processors = streams.processors

    def seen(visit: Visit) -> tuple[list[Processor], int]:
        """The processors that somebody sees, and how many there are whose rows were changed."""
        known, changed = processors.readable()
        governs = visit.session.person.role is Role.COUNCIL
        mine = [each for each in known if each.organization == visit.organization]
        others = [each for each in known if governs and each.searches_faces and each not in mine]
        return mine + others, changed

    def shown(visit: Visit) -> Response:
        known, changed = seen(visit)
        lags = processors.lags()
        found = [Shown(each, lags.get(each.id), _stops(visit, each)) for each in known]
        return desk.show(
            visit,
            "streams.html",
            here="/streams",
            found=found,
            running=sum(each.status.works for each in known),
            changed=changed,
            owed=streams.messages.owed(visit.organization),
            origin=visit.place.origin,
        )

    def stop(visit: Visit) -> Response:
        wanted = visit.given("processor")
        for each in seen(visit)[0]:
            if each.arn == wanted and _stops(visit, each):
                # One that stopped meanwhile is as it was wanted.
                with suppress(ProcessorInUse):
                    processors.halt(each.organization, each.name)
                return desk.back("/streams")
        raise LookupError(f"There is no stream processor {wanted} that you could stop.")

    return [
        desk.page("/streams", shown, _READERS, _LIST),
        desk.form("/streams/stopped", stop, _STOPPERS, _STOP),
    ]


def _stops(visit: Visit, processor: Processor) -> bool:
    """Whether a processor is somebody's to stop: an operator's own, and any search for faces a council member's."""
    role = visit.session.person.role
    own = role is Role.OPERATOR and processor.organization == visit.organization
    return own or (role is Role.COUNCIL and processor.searches_faces)
