"""The composition root: reads the settings, opens the rooms, hands them to the wire."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address

from sqlalchemy import Engine

from regard.database import open_database, sqlite_url
from regard.gallery.gallery import open_gallery
from regard.operations.buckets import Buckets
from regard.operations.pictures import PictureReader
from regard.operations.rooms import Rooms
from regard.operations.service import Service
from regard.sealing import SealingKey, master_key
from regard.settings import SettingError, Settings
from regard.stewardship.gate import Gate
from regard.stewardship.logbook import Logbook
from regard.stewardship.organizations import Organizations
from regard.vision.faces import FaceAnalyzer
from regard.vision.runtime import Runtime
from regard.vision.weights import Weights
from regard.wire.app import Application
from regard.wire.listen import listen
from regard.wire.metrics import Metrics
from regard.wire.pages import pages
from regard.wire.pool import Pool
from regard.wire.signature import REKOGNITION
from regard.wire.stewardship_pages import stewardship_pages


@dataclass(frozen=True, slots=True)
class Office:
    """What is needed to say who may call, and to log that they did. Opens in a blink."""

    settings: Settings
    engine: Engine
    key: SealingKey
    organizations: Organizations
    logbook: Logbook


def open_office(settings: Settings) -> Office:
    """Open the data folder, making it when it is not there."""
    data = settings.data_dir
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = master_key(data / "master.key")
    engine = open_database(sqlite_url(data / "regard.db"))
    logbook = Logbook(engine, data / "log", key, name=settings.log_name)
    return Office(settings, engine, key, Organizations(engine, key), logbook)


def open_analyzer(settings: Settings, ran: Callable[[str, float], None] = lambda _name, _seconds: None) -> FaceAnalyzer:
    """The vision room. `ran` is told of each inference. Raises MissingWeights when weights were not pulled."""
    weights = Weights(settings.weights_dir, settings.weights_file)
    runtime = Runtime(settings.runtime, settings.precision, settings.threads, ran)
    return FaceAnalyzer(weights, runtime, small_faces=settings.small_faces)


def open_service(office: Office, ran: Callable[[str, float], None] = lambda _name, _seconds: None) -> Service:
    """Everything behind the wire, for HTTP and for commands that work in process."""
    gate = Gate(office.engine, office.settings, office.logbook)
    rooms = Rooms(
        pictures=PictureReader(Buckets(office.settings)),
        faces=open_analyzer(office.settings, ran),
        gallery=open_gallery(office.engine, office.settings.data_dir / "keys.db", office.key),
        record=gate.record,
    )
    return Service(gate, rooms)


def serve(office: Office, announce: Callable[[str, list[str]], None]) -> None:
    """Serve until told to stop; once it answers, `announce` gets the address and what is in force."""
    settings = office.settings
    metrics = Metrics()
    service = open_service(office, metrics.model_ran)
    pool = Pool(settings.workers or len(os.sched_getaffinity(0)), settings.queue)
    metrics.watch(pool)
    rules = replace(REKOGNITION, regions=settings.regions)
    app = Application(
        service,
        office.organizations.key,
        pool,
        metrics,
        rules,
        pages(
            metrics,
            lambda: office.logbook.trouble if pool.open else "shutting down",
            stewardship_pages(service.gate.council),
        ),
        behind_proxy=settings.behind_proxy,
    )
    office.logbook.start()

    def finished() -> None:
        pool.close()
        office.logbook.close()

    listen(app, settings, lambda port: announce(url(settings, port), service.gate.council.opening()), finished)


def check_exposure(settings: Settings) -> None:
    """Refuse to listen in the clear where others could listen in. Raises SettingError."""
    if is_loopback(settings.host) or settings.tls_certificate or settings.behind_proxy:
        return
    raise SettingError(
        f"REGARD_HOST={settings.host} can be reached from other machines. Give REGARD_TLS_CERTIFICATE and "
        "REGARD_TLS_KEY, or set REGARD_BEHIND_PROXY=true when a proxy in front speaks TLS."
    )


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
