"""The holdings: the gallery, and what tells people what is held on them, lets go of it and erases it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from regard.custom.custom import Custom
from regard.custom.versions.workshop import Workshop
from regard.gallery.gallery import Gallery, open_gallery
from regard.gallery.index.vectors import NoVectors
from regard.jobs.desk import Desk
from regard.jobs.notices import Notices
from regard.jobs.sns import Topics
from regard.jobs.webhooks import Webhook
from regard.liveness.sessions import Sessions
from regard.settings import SettingError
from regard.steady import SteadyClock
from regard.stewardship.council.council import Council
from regard.stewardship.gate.seals import CouncilSeals
from regard.stewardship.logbook.ends import record_end
from regard.stewardship.logbook.streams import record_stream
from regard.stewardship.logbook.versions_told import record_version, record_withdrawal
from regard.stewardship.office import Office
from regard.stewardship.people.access import Access
from regard.stewardship.people.erasure import Erasure
from regard.stewardship.people.loops import Loops
from regard.stewardship.people.matches.notices import FoundNotices, posting
from regard.stewardship.people.retention import Retention
from regard.stewardship.people.review import Reviews
from regard.stewardship.people.subject_tokens import FOUND, MOST_HOURS, SubjectTokens
from regard.stewardship.policy.call import Caller
from regard.stewardship.trainings import Trainings
from regard.streams.streams import Streams, open_streams

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is held on people, and who sees to it. What is due is done in the background from `start` to `close`."""

    gallery: Gallery
    retention: Retention
    erasure: Erasure
    access: Access
    reviews: Reviews
    loops: Loops
    found_notices: FoundNotices
    seals: CouncilSeals
    jobs: Desk
    notices: Notices
    custom: Custom
    streams: Streams
    liveness: Sessions
    workshop: Workshop
    # What rooms above see to beside it, each time.
    also: list[Callable[[], object]]

    def start(self) -> None:
        """Begin to let go of what is due, and to follow what other processes write."""
        self.retention.start()
        self.gallery.start()

    def close(self) -> None:
        """End that, and leave the caches as the next start wants them."""
        self.retention.close()
        self.gallery.close()


def open_holdings(office: Office) -> Holdings:
    """The gallery, in which nobody is who was erased; what a backup brought back is erased again.

    Raises SettingError where faces are to be searched in a database that cannot, and ValueError for topics or a webhook
    that cannot be right.
    """
    engine, consents, logbook = office.engine, office.consents, office.logbook
    gallery = _gallery(office)
    reviews = Reviews(engine, gallery, logbook, agreed=consents.agreed_to_portrait)
    loops = Loops(engine, gallery, logbook)
    jobs = Desk(engine, gallery, office.key)
    jobs.at_end.append(partial(record_end, logbook))
    custom = Custom(gallery)
    jobs.at_end.append(custom.settle)
    webhook = Webhook.of(office.settings)
    notices = Notices(jobs, Topics(office.settings), webhook)
    jobs.at_end.append(notices.owe)
    streams = open_streams(engine, gallery, office.key, office.settings, webhook)
    streams.processors.told.append(partial(record_stream, logbook))
    liveness = Sessions(engine, gallery, office.key)
    workshop = Workshop(custom, gallery, office.key)
    workshop.tell = partial(record_version, logbook)
    workshop.tell_withdrawn = partial(record_withdrawal, logbook)
    jobs.at_end.append(workshop.end)
    trainings = Trainings(engine, gallery, workshop, consents)
    consents.after = trainings.withdrawn
    jobs.at_end.insert(0, trainings.imported)

    def forget(organization: str, whose: str) -> None:
        reviews.forget(organization, whose)
        jobs.forget(organization, whose)
        streams.messages.forget(organization, whose)
        trainings.erase(organization, whose)

    erasure = Erasure(engine, gallery, consents, logbook, also=forget, again=trainings.again)
    erasure.replay()
    seals = CouncilSeals(gallery, Council(engine), logbook)

    tokens = SubjectTokens(engine)

    def issue(caller: Caller, subject: str) -> str:
        return tokens.issue(caller, subject, FOUND, MOST_HOURS)

    found_notices = FoundNotices(engine, gallery, logbook, issue, tokens.void)

    also = list[Callable[[], object]]()

    def expire() -> None:
        # Faces of sessions first: they have minutes, where others have days.
        _each(liveness.expire, reviews.expire, trainings.settle, found_notices.expire)
        _each(trainings.note_people, streams.messages.expire)
        if webhook is not None:
            _each(partial(found_notices.send, posting(webhook)))
        _each(loops.expire, jobs.expire, seals.follow, *also)

    # What retention lets go of does not come back when the clock is right again.
    retention = Retention(engine, gallery, logbook, SteadyClock(), expire, streams.messages.forget)
    access = Access(gallery, consents, logbook, mismatches=reviews.mismatches.of, taught=trainings.taught)
    return Holdings(
        gallery,
        retention,
        erasure,
        access,
        reviews,
        loops,
        found_notices,
        seals,
        jobs,
        notices,
        custom,
        streams,
        liveness,
        workshop,
        also,
    )


def _each(*works: Callable[[], object]) -> None:
    """Do each, whatever becomes of the others: what is overdue still is so at the next sweep."""
    for work in works:
        try:
            work()
        except Exception:
            _log.exception("a part of a sweep failed")


def _gallery(office: Office) -> Gallery:
    settings = office.settings
    try:
        return open_gallery(
            office.engine,
            settings.data_dir / "keys.db",
            office.key,
            memory=settings.search_memory << 20 or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2,
            keys_url=settings.keys_url,
            in_database=settings.search == "pgvector",
        )
    except NoVectors as error:
        raise SettingError(f"REGARD_SEARCH=pgvector: {error}") from None
