"""The service without its wire: the gate, the operation, the gate again. All callers come through here."""

from __future__ import annotations

from regard.jobs.scratch import Scratch
from regard.operations.common import registry
from regard.operations.common.errors import translated
from regard.operations.common.live_search import LiveSearches
from regard.operations.common.pictures import PictureReader
from regard.operations.common.registry import Answer
from regard.operations.common.rooms import Rooms
from regard.operations.common.standing import Standing
from regard.stewardship.gate.auditors import Auditors
from regard.stewardship.gate.gate import Gate, Permit
from regard.stewardship.holdings import Holdings
from regard.stewardship.office import Office
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stores.buckets import Buckets
from regard.vision.eyes import Eyes
from regard.vision.video.film import Films

_OF_FACES = (DataClass.FACES, DataClass.TEMPLATES)


class Service:
    """Answers calls. Thread-safe; every call passes the gate, whoever makes it."""

    def __init__(self, gate: Gate, rooms: Rooms) -> None:
        self.gate = gate
        self.rooms = rooms

    def answer(self, call: Call) -> Answer:
        """The answer to a validated call. Raises ApiError, and nothing else that a caller could cause."""
        if collection := registry.collection_of(call, self.rooms):
            call.parameters["CollectionId"] = collection
        try:
            permit = self.gate.before(call)
            call.withheld = permit.withheld
            answer = self.gate.after(permit, self._operate(permit))
            if self.rooms.found_notices is not None:
                self.rooms.found_notices.owe(call)
            return answer
        except Exception as error:
            raise translated(error, call) from error

    def _operate(self, permit: Permit) -> Answer:
        call = permit.call
        if call.operation.data in _OF_FACES:
            call.account["models"] = {"FaceModelVersion": self.rooms.faces.version}
        try:
            self._require_open(call)
            return registry.function_of(call.operation.name)(call, self.rooms)
        except Exception as error:
            self.gate.failed(permit, _code(error, call))
            raise

    def _require_open(self, call: Call) -> None:
        """Nobody looks into a sealed collection, whatever of it is in memory. What is in it can always be deleted."""
        operation, name = call.operation, call.parameters.get("CollectionId")
        if name is not None and operation.data is DataClass.TEMPLATES and operation.capability is not Capability.MANAGE:
            self.rooms.gallery.require_open(call.caller.organization, name)


def open_service(office: Office, holdings: Holdings, gate: Gate, eyes: Eyes) -> Service:
    """The service: what its operations work with, behind the gate. Raises SettingError for buckets that are none."""
    rooms = Rooms(
        standing=Standing(gate, office.organizations.key, registry.answered),
        pictures=PictureReader(Buckets(office.settings)),
        faces=eyes.faces,
        gallery=holdings.gallery,
        record=gate.record,
        moderator=eyes.moderator,
        equipment=eyes.equipment,
        labels=eyes.labels,
        text=eyes.text,
        films=Films.of(office.settings),
        consents=office.consents,
        reviews=holdings.reviews,
        loops=holdings.loops,
        found_notices=holdings.found_notices,
        matters=gate.matters,
        audit_set=office.settings.custom_audit,
        auditors=Auditors(office.engine, office.settings.audit_pictures),
        jobs=holdings.jobs,
        notices=holdings.notices,
        custom=holdings.custom,
        streams=holdings.streams,
        liveness=holdings.liveness,
        live_search=LiveSearches(gate.matters, holdings.streams.sources, office.organizations.key),
        workshop=holdings.workshop,
        features=eyes.features,
        seeker=eyes.seeker,
        scratch=Scratch(office.settings.data_dir / "tmp", office.settings.jobs_disk << 20),
    )
    holdings.streams.messages.searches = gate.matters.searches
    return Service(gate, rooms)


def _code(error: Exception, call: Call) -> str:
    try:
        return translated(error, call).code
    except Exception:
        return "InternalServerError"
