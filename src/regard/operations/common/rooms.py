"""The rooms below, as operations are handed them; the composition root opens them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from regard.custom.custom import Custom
from regard.custom.versions.workshop import Workshop
from regard.gallery.gallery import Gallery
from regard.jobs.desk import Desk
from regard.jobs.notices import Notices
from regard.jobs.scratch import Scratch
from regard.liveness.sessions import Sessions
from regard.operations.common.live_search import LiveSearch, refused
from regard.operations.common.pictures import PictureReader
from regard.operations.common.standing import Standing
from regard.stewardship.gate.auditors import Auditors
from regard.stewardship.gate.matters import Matters
from regard.stewardship.people.consents import Consents
from regard.stewardship.people.loops import Loops
from regard.stewardship.people.matches.notices import FoundNotices
from regard.stewardship.people.review import Reviews
from regard.stewardship.policy.call import Call
from regard.streams.streams import Streams
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.things.candidates import Seeker
from regard.vision.things.equipment import EquipmentInspector
from regard.vision.things.features import Features
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import Moderator
from regard.vision.things.text import TextReader
from regard.vision.video.film import Films


@dataclass(frozen=True, slots=True)
class Rooms:
    """What operations work with: opened once by the composition root and handed to every operation."""

    pictures: PictureReader
    faces: FaceAnalyzer
    gallery: Gallery
    record: Callable[[Connection, Call], None]
    moderator: Moderator
    equipment: EquipmentInspector
    labels: LabelFinder
    text: TextReader
    films: Films
    consents: Consents | None = None
    reviews: Reviews | None = None
    loops: Loops | None = None
    auditors: Auditors | None = None
    jobs: Desk | None = None
    notices: Notices | None = None
    scratch: Scratch | None = None
    standing: Standing | None = None
    found_notices: FoundNotices | None = None
    custom: Custom | None = None
    matters: Matters | None = None
    streams: Streams | None = None
    live_search: LiveSearch = refused
    liveness: Sessions | None = None
    workshop: Workshop | None = None
    features: Features | None = None
    seeker: Seeker | None = None
    audit_set: Path | None = None

    @contextmanager
    def writing(self, call: Call, *, alone: bool = True) -> Iterator[Connection]:
        """A transaction of the gallery in which the call is recorded too: what is done and its record are one.

        It stays within the collection that the call names, where it changes that one `alone`.
        """
        collection = call.parameters.get("CollectionId")
        within = f"{call.caller.organization}/{collection}" if collection and alone else None
        with self.gallery.writing(within) as connection:
            yield connection
            self.record(connection, call)
