"""The composition root: reads the settings, opens the rooms, hands them to the wire."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from ipaddress import ip_address
from socket import socket
from ssl import PROTOCOL_TLS_SERVER, SSLContext, SSLError

from sqlalchemy import Engine

from regard.database import open_database, sqlite_url
from regard.gallery.gallery import Gallery, open_gallery
from regard.gallery.index.vectors import NoVectors
from regard.gallery.templates.vault import open_vault, person_key
from regard.ledger.log.served import Served
from regard.ledger.log.shared_disk import HoldersDisk
from regard.ledger.witnesses.cosigning import Asked, Collector
from regard.operations.common.buckets import Buckets
from regard.operations.common.pictures import PictureReader
from regard.operations.common.rooms import Rooms
from regard.operations.service import Service
from regard.pages.audits import audit_page
from regard.pages.log import log_pages
from regard.pages.loops import loop_pages
from regard.pages.models import model_pages
from regard.pages.pages import pages
from regard.pages.people import PeopleApi, consent_pages, subject_pages
from regard.pages.redaction import described as redaction_described
from regard.pages.redaction import redaction_page
from regard.pages.reports import report_pages
from regard.pages.review import review_pages
from regard.pages.seals import seal_pages
from regard.pages.stewardship import stewardship_pages
from regard.sealing import NoMasterKey, SealBroken, SealingKey, master_key, renew_master, root_key
from regard.settings import SettingError, Settings
from regard.stewardship.council.council import Council
from regard.stewardship.council.law import decided_alone
from regard.stewardship.gate.auditors import Auditors
from regard.stewardship.gate.audits import Audits
from regard.stewardship.gate.gate import Gate
from regard.stewardship.gate.seals import CouncilSeals
from regard.stewardship.logbook.log_keys import SharedKeys
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.parties.organizations import Organizations
from regard.stewardship.people.access import Access
from regard.stewardship.people.consents import Consents
from regard.stewardship.people.erasure import Erasure
from regard.stewardship.people.inbox import Caps, Inbox
from regard.stewardship.people.loops import Loops
from regard.stewardship.people.retention import CurrentCollections, Retention
from regard.stewardship.people.review import Reviews
from regard.stewardship.people.subject_tokens import SubjectTokens
from regard.vision.faces.faces import VERSIONS, FaceAnalyzer
from regard.vision.models.idle import Idle
from regard.vision.things.equipment import EquipmentInspector
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import Moderator
from regard.vision.things.text import MODELS, TextReader
from regard.wire.app import Application
from regard.wire.callers import OWN, Callers
from regard.wire.listen import listen
from regard.wire.metrics import Metrics
from regard.wire.pool import Pool
from regard.wire.signature import REKOGNITION

_POSTGRESQL = "postgresql+psycopg://"
_ROOT = "root"


@dataclass(frozen=True, slots=True)
class Office:
    """What is needed to say who may call, and to log that they did. Opens in a blink."""

    settings: Settings
    engine: Engine
    key: SealingKey
    organizations: Organizations
    logbook: Logbook
    consents: Consents


def open_office(settings: Settings) -> Office:
    """Open the data folder, making it when it is not there. Raises SettingError."""
    data = settings.data_dir
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingError(f"REGARD_DATA_DIR={data} is no folder to write into ({error.strerror}).") from None
    _check_databases(settings)
    engine = open_database(settings.database_url or sqlite_url(data / "regard.db"))
    key = _root_key(settings, engine)
    vault = open_vault(settings.keys_url or data / "keys.db", key)

    def part_key(organization: str, whose: str, make: bool) -> SealingKey | None:
        return vault.key(person_key(organization, whose), make)

    logbook = Logbook(engine, data / "log", key, name=settings.log_name, part_keys=part_key)
    return Office(settings, engine, key, Organizations(engine, key, decided_alone), logbook, Consents(engine, logbook))


def _root_key(settings: Settings, engine: Engine) -> SealingKey:
    """The key that everything hangs on. Services that share a database find it there, sealed under the master key."""
    if not settings.database_url:
        return root_key(settings.data_dir, settings.master_key, settings.master_key_command)
    return SealingKey(b64decode(_shared_root(settings, engine)))


def _shared_root(settings: Settings, engine: Engine) -> str:
    master = master_key(settings.data_dir / "master.key", settings.master_key, settings.master_key_command)
    kept = SharedKeys(engine, master)
    kept.make(_ROOT, b64encode(SealingKey.generate()).decode())
    try:
        return kept.read(_ROOT)
    except SealBroken:
        raise NoMasterKey("the database was begun under another master key: give all its services the same") from None


def renew_master_key(settings: Settings, command: str | None) -> None:
    """Seal the root key under a new master key, which `command` prints, or else in a new file. Raises NoMasterKey."""
    if not settings.database_url:
        renew_master(settings.data_dir, settings.master_key, settings.master_key_command, command)
        return
    if not command:
        raise NoMasterKey("services that share a database are given the master key: name the program that prints it")
    engine = open_database(settings.database_url)
    root = _shared_root(settings, engine)
    SharedKeys(engine, master_key(settings.data_dir / "master.key", command=command)).write(_ROOT, root)


def _check_databases(settings: Settings) -> None:
    for given in filter(None, (settings.database_url, settings.keys_url)):
        if not given.startswith(_POSTGRESQL):
            raise SettingError(f"REGARD_DATABASE_URL and REGARD_KEYS_URL begin with {_POSTGRESQL}")
        if find_spec("psycopg") is None:
            raise SettingError("PostgreSQL needs a driver: pip install 'regard[postgresql]'")
    if bool(settings.database_url) != bool(settings.keys_url):
        raise SettingError(
            "REGARD_DATABASE_URL and REGARD_KEYS_URL belong together: the services that share a database share its "
            "key store, too."
        )
    if settings.database_url and settings.database_url == settings.keys_url:
        raise SettingError(
            "REGARD_KEYS_URL is the database itself: a backup of it would bring back what was erased. Give the key "
            "store a database of its own, outside the backups."
        )


def open_analyzer(settings: Settings, ran: Callable[[str, float], None] = lambda _name, _seconds: None) -> FaceAnalyzer:
    """The vision room. `ran` is told of each inference. Raises MissingWeights when weights were not pulled."""
    return FaceAnalyzer.opened(settings, ran)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is held on people, and what tells them of it, lets go of it and erases it."""

    gallery: Gallery
    retention: Retention
    erasure: Erasure
    access: Access
    reviews: Reviews
    loops: Loops
    seals: CouncilSeals


def open_holdings(office: Office) -> Holdings:
    """The gallery, in which nobody is who was erased; what a backup brought back is erased again.

    Raises SettingError where faces are to be searched in a database that cannot.
    """
    engine, consents, logbook = office.engine, office.consents, office.logbook
    memory = office.settings.search_memory << 20 or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    gallery = _open_gallery(office, memory)
    reviews = Reviews(engine, gallery, logbook)
    loops = Loops(engine, gallery, logbook)
    erasure = Erasure(engine, gallery, consents, logbook, also=reviews.forget)
    erasure.replay()
    seals = CouncilSeals(gallery, Council(engine), logbook)

    def expire() -> None:
        reviews.expire()
        loops.expire()
        seals.follow()

    retention = Retention(engine, gallery, logbook, expire=expire)
    return Holdings(gallery, retention, erasure, Access(gallery, consents, logbook), reviews, loops, seals)


def _open_gallery(office: Office, memory: int) -> Gallery:
    settings, keys = office.settings, office.settings.data_dir / "keys.db"
    in_database = settings.search == "pgvector"
    try:
        return open_gallery(
            office.engine, keys, office.key, memory=memory, keys_url=settings.keys_url, in_database=in_database
        )
    except NoVectors as error:
        raise SettingError(f"REGARD_SEARCH=pgvector: {error}") from None


def open_service(
    office: Office,
    ran: Callable[[str, float], None] = lambda _name, _seconds: None,
    holdings: Holdings | None = None,
    idle: Idle | None = None,
) -> Service:
    """Everything behind the wire, for HTTP and for commands that work in process. `idle` is told of models to watch."""
    holdings = holdings or open_holdings(office)
    collections = CurrentCollections(office.engine, holdings.retention)
    audited = open_audits(office).current
    gate = Gate(
        office.engine,
        office.settings,
        office.logbook,
        collections,
        office.consents.covers,
        audited=audited,
        missing=office.consents.missing,
    )
    faces, labels = open_analyzer(office.settings, ran), LabelFinder.opened(office.settings, ran)
    rooms = Rooms(
        pictures=PictureReader(Buckets(office.settings)),
        faces=faces,
        gallery=holdings.gallery,
        record=gate.record,
        moderator=Moderator.opened(office.settings, ran),
        equipment=EquipmentInspector.opened(office.settings, faces, labels.objects, ran),
        labels=labels,
        text=TextReader.opened(office.settings, ran),
        consents=office.consents,
        reviews=holdings.reviews,
        loops=holdings.loops,
        auditors=Auditors(office.engine, office.settings.audit_pictures),
    )
    if idle is not None:
        idle.watch(("object-detector", "things-and-scenes"), rooms.labels.unload)
        idle.watch(("pornography",), rooms.moderator.unload)
        idle.watch(("face-cover",), rooms.equipment.unload)
        idle.watch(MODELS.values(), rooms.text.unload)
    return Service(gate, rooms)


def open_audits(office: Office) -> Audits:
    """The audits of the face model in use."""
    settings = office.settings
    return Audits(office.engine, VERSIONS[settings.profile], settings.audit_days)


def open_inbox(office: Office) -> Inbox:
    """Where the public files appeals and reports of abuse."""
    settings = office.settings
    caps = Caps(settings.report_days, settings.reports_of_address, settings.reports_a_day)
    return Inbox(office.engine, office.key, office.logbook, caps)


def open_people(office: Office, gate: Gate, holdings: Holdings) -> PeopleApi:
    """The HTTP API for the people pictured."""
    tokens = open_tokens(office)
    subjects = subject_pages(holdings.erasure, holdings.access, holdings.reviews)
    pages = [*consent_pages(office.consents, tokens), *subjects, *loop_pages(holdings.loops)]
    return PeopleApi(gate, open_callers(office), tokens, pages, [redaction_described()])


def open_tokens(office: Office) -> SubjectTokens:
    """The one-time tokens of people."""
    return SubjectTokens(office.engine)


def open_callers(office: Office) -> Callers:
    """Who signs requests to our own HTTP API."""
    settings = office.settings
    rules = replace(OWN, regions=settings.regions)
    return Callers(office.organizations.key, rules, behind_proxy=settings.behind_proxy)


def public_log(office: Office) -> Served:
    """The public files of the log."""
    return Served(office.settings.data_dir / "log" / "shards", office.logbook.disk)


def open_cosigning(office: Office) -> Collector:
    """What asks the witnesses of the log. Raises SettingError."""
    settings, shards = office.settings, office.logbook.shards
    try:
        witnesses = [Asked.parse(each) for each in settings.witnesses]

        def stamp(period: str, lines: bytes) -> None:
            current, log = shards.current()
            if current == period:
                log.cosign(lines, [witness.verifier for witness in witnesses])

        disk = HoldersDisk(shards) if settings.database_url else None
        return Collector(public_log(office), witnesses, settings.witness_quorum, stamp=stamp, disk=disk)
    except ValueError as error:
        raise SettingError(f"REGARD_WITNESSES, REGARD_WITNESS_QUORUM: {error}") from None


def serve(office: Office, on: socket, announce: Callable[[str, list[str]], None]) -> None:
    """Serve on a socket until told to stop; once it answers, `announce` gets the address and what is in force."""
    settings = office.settings
    metrics = Metrics()
    holdings = open_holdings(office)
    idle = Idle(settings.unload_after)

    def ran(model: str, seconds: float) -> None:
        metrics.model_ran(model, seconds)
        idle.ran(model, seconds)

    service = open_service(office, ran, holdings, idle)
    pool = Pool(settings.workers or len(os.sched_getaffinity(0)), settings.queue)
    metrics.watch(pool)
    office.logbook.rest = pool.hand_on
    cosigning = open_cosigning(office)
    metrics.watch_witnesses(cosigning)
    rules = replace(REKOGNITION, regions=settings.regions)
    app = Application(
        service,
        office.organizations.key,
        pool,
        metrics,
        rules,
        pages(
            metrics,
            lambda: office.logbook.trouble or cosigning.trouble if pool.open else "shutting down",
            [
                *stewardship_pages(service.gate.council),
                *model_pages(settings),
                *open_people(office, service.gate, holdings).routes(),
                *review_pages(holdings.reviews, holdings.loops),
                *seal_pages(holdings.seals),
                redaction_page(service, open_callers(office), pool),
                audit_page(service, open_callers(office), pool),
                *report_pages(open_inbox(office), behind_proxy=settings.behind_proxy),
                *log_pages(public_log(office), lambda: office.logbook.keys.verifiers, cosigning),
            ],
        ),
        behind_proxy=settings.behind_proxy,
    )
    office.logbook.start()
    holdings.retention.start()
    holdings.gallery.vectors.start()
    cosigning.start()
    idle.start()

    def finished() -> None:
        pool.close()
        holdings.retention.close()
        cosigning.close()
        idle.close()
        holdings.gallery.close()
        office.logbook.close()

    def opening() -> list[str]:
        return [*service.gate.council.opening(), *open_audits(office).opening()]

    listen(app, settings, on, lambda port: announce(url(settings, port), opening()), finished)


def check_exposure(settings: Settings) -> None:
    """Refuse to listen in the clear where others could listen in. Raises SettingError."""
    if is_loopback(settings.host) or settings.tls_certificate or settings.behind_proxy:
        return
    raise SettingError(
        f"REGARD_HOST={settings.host} can be reached from other machines. Give REGARD_TLS_CERTIFICATE and "
        "REGARD_TLS_KEY, or set REGARD_BEHIND_PROXY=true when a proxy in front speaks TLS."
    )


def check_certificate(settings: Settings) -> None:
    """Refuse a certificate and key that HTTPS cannot be served with. Raises SettingError."""
    certificate, key = settings.tls_certificate, settings.tls_key
    try:
        for file in filter(None, (certificate, key)):
            file.open("rb").close()
        if certificate:
            # Without a word given, that of a protected key would be asked for on the terminal.
            SSLContext(PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except SSLError as error:
        foreign = error.reason == "KEY_VALUES_MISMATCH"
        wrong = "the key is another's" if foreign else "give PEM files, and a key without a passphrase"
        raise SettingError(f"REGARD_TLS_CERTIFICATE={certificate}, REGARD_TLS_KEY={key}: {wrong}.") from None
    except OSError as error:
        raise SettingError(
            f"REGARD_TLS_CERTIFICATE, REGARD_TLS_KEY: {error.filename} cannot be read ({error.strerror})."
        ) from None


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url(settings: Settings, port: int | None = None) -> str:
    """The address that clients are pointed to."""
    scheme = "https" if settings.tls_certificate else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{port or settings.port}"
