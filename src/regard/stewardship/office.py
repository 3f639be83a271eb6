"""The office: who may call, what they consented to, and the logbook that says that they did. Opens in a blink."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from regard.database import check_urls, open_database, reading, sqlite_url
from regard.gallery.collections import terms
from regard.gallery.templates.vault import open_vault
from regard.ledger.log.served import Served
from regard.row_seals import keep_row_seals
from regard.sealing import SealingKey
from regard.settings import SettingError, Settings
from regard.stewardship.council.council import first_start, is_new
from regard.stewardship.council.founding import check_genesis, pin_genesis, recorded_genesis
from regard.stewardship.council.law import decided_alone, unlike_the_record
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.logbook.published import Published
from regard.stewardship.parties import organization_rows
from regard.stewardship.parties.organizations import Organizations
from regard.stewardship.people.consents import Consents
from regard.stewardship.records import sealed_rows, tables
from regard.stewardship.records.pins import Pins
from regard.stewardship.root_key import open_root_key


class NotStarted(RuntimeError):
    """No service was started in this data folder yet."""


class Edited(RuntimeError):
    """Rows of the database are not as they were recorded; the text says which."""


class Less(RuntimeError):
    """Less of the log is there than was published, or other than that; the text says what, and what to do."""


@dataclass(frozen=True, slots=True)
class Office:
    """What every command and every request begins with. `key` is the root key."""

    settings: Settings
    engine: Engine
    key: SealingKey
    organizations: Organizations
    logbook: Logbook
    consents: Consents
    pins: Pins
    published: Published

    @property
    def public_log(self) -> Served:
        """The public files of the log."""
        return Served(self.settings.data_dir / "log" / "shards", self.logbook.disk)


def open_office(settings: Settings) -> Office:
    """Open a data folder in which a service was started. Nothing is founded here.

    Raises NotStarted, NotTheFirst, Less, Edited and PinBroken, which say why the folder is not as it was left; and
    SettingError, NoMasterKey, PermissionError.
    """
    office = unchecked_office(settings)
    if _is_new(office):
        raise NotStarted(
            f"no service was started in {settings.data_dir} yet: `regard serve` starts one, and with it its council "
            "begins. REGARD_DATA_DIR names another folder."
        )
    _check(office)
    return office


def start_office(settings: Settings) -> Office:
    """Open the data folder as the service does: where nothing is there yet, its council begins. Raises as open_office
    does."""
    office = unchecked_office(settings)
    if _is_new(office):
        pins = office.pins
        first_start(office.engine, settings.data_dir / "council.key", pin=lambda *founded: pin_genesis(pins, *founded))
    _check(office)
    return office


def unchecked_office(settings: Settings) -> Office:
    """Open the data folder, made when it is not there, whatever was done to it. Raises SettingError, NoMasterKey,
    PermissionError."""
    data = settings.data_dir
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingError(f"REGARD_DATA_DIR={data} is no folder to write into ({error.strerror}).") from None
    check_urls(settings.database_url, settings.keys_url)
    engine = open_database(settings.database_url or sqlite_url(data / "regard.db"))
    key = open_root_key(settings, engine)
    keep_row_seals(engine, key)
    vault = open_vault(settings.keys_url or data / "keys.db", key)

    def part_key(organization: str, whose: str, make: bool) -> SealingKey | None:
        return vault.person_key(organization, whose, make=make)

    details = data / "log" / "payloads.db"
    gone = [] if settings.database_url or details.exists() else [f"{details}, the details beside the log,"]
    logbook = Logbook(engine, data / "log", key, name=settings.log_name, part_keys=part_key)
    pins = Pins(data, key)
    published = Published(engine, pins, Served(data / "log" / "shards", logbook.disk), logbook.keys, gone)
    logbook.published = published.keep
    logbook.doubt = published.doubt
    organizations, consents = Organizations(engine, key, decided_alone), Consents(engine, logbook)
    return Office(settings, engine, key, organizations, logbook, consents, pins, published)


def _is_new(office: Office) -> bool:
    """Whether nothing is there yet, in the database or beside it."""
    with reading(office.engine) as connection:
        new = is_new(connection)
    return new and not office.pins.file.exists() and not office.public_log.periods()


def check_founded(office: Office, less: list[str]) -> bool:
    """Refuse a council that is not the first one, as :func:`check_genesis` does.

    `less` is what there is less of in the log: one that is gone tells of no council, and is not asked about it.
    """
    try:
        logged = office.published.founded()
    except (ValueError, OSError) as error:
        if not less:
            raise Less(f"the log cannot be read: {error}. Put back log/ as it was.") from None
        logged = None
    if less and logged is None:
        logged = recorded_genesis(office.engine)
    return check_genesis(office.engine, office.pins, logged, time.time(), lambda within: _seal_rows(office, within))


def _seal_rows(office: Office, connection: Connection) -> None:
    """Seal the rows of a folder from before there were seals, in the transaction that pins its genesis."""
    office.organizations.keys.bind_terms(connection)
    organization_rows.seal_unsealed(connection)
    terms.seal_unsealed(connection)
    sealed_rows.seal_unsealed(
        connection,
        *(tables.reviews, tables.consents, tables.candidates, tables.verdicts, tables.reviewers),
        *(tables.subject_tokens, tables.human_flows, tables.reports),
    )


def _check(office: Office) -> None:
    """Hold what is there against what was pinned. Raises NotTheFirst, Less, Edited, PinBroken."""
    less = office.published.less()
    logged = check_founded(office, less)
    with reading(office.engine) as connection:
        edited = unlike_the_record(connection)
        if fewer := organization_rows.fewer_than_registered(connection):
            edited.append(f"{fewer} organizations that were registered are not there")
    if less:
        raise Less(
            f"{'; '.join(less)}. Put back log/ and the database as they were; or, where it is an older copy that is to "
            "go on, say so: `regard log accept --because …` writes it into the log."
        )
    if edited:
        raise Edited(f"{'; '.join(edited)}. Put the database back as it was.")
    if not office.published.is_kept() and office.public_log.periods():
        if logged:
            raise Less("what was pinned of the log is gone from the database. Put the database back as it was.")
        with office.engine.begin() as connection:
            office.published.keep_all(connection)
