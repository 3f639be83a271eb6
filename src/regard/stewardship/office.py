"""The office: who may call, what they consented to, and the logbook that says that they did. Opens in a blink."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from regard.database import check_urls, open_database, sqlite_url
from regard.gallery.templates.vault import open_vault
from regard.ledger.log.served import Served
from regard.sealing import SealingKey
from regard.settings import SettingError, Settings
from regard.stewardship.council.law import decided_alone
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.parties.organizations import Organizations
from regard.stewardship.people.consents import Consents
from regard.stewardship.root_key import open_root_key


@dataclass(frozen=True, slots=True)
class Office:
    """What every command and every request begins with. `key` is the root key."""

    settings: Settings
    engine: Engine
    key: SealingKey
    organizations: Organizations
    logbook: Logbook
    consents: Consents

    @property
    def public_log(self) -> Served:
        """The public files of the log."""
        return Served(self.settings.data_dir / "log" / "shards", self.logbook.disk)


def open_office(settings: Settings) -> Office:
    """Open the data folder, making it when it is not there. Raises SettingError, NoMasterKey, PermissionError."""
    data = settings.data_dir
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingError(f"REGARD_DATA_DIR={data} is no folder to write into ({error.strerror}).") from None
    check_urls(settings.database_url, settings.keys_url)
    engine = open_database(settings.database_url or sqlite_url(data / "regard.db"))
    key = open_root_key(settings, engine)
    vault = open_vault(settings.keys_url or data / "keys.db", key)

    def part_key(organization: str, whose: str, make: bool) -> SealingKey | None:
        return vault.person_key(organization, whose, make=make)

    logbook = Logbook(engine, data / "log", key, name=settings.log_name, part_keys=part_key)
    return Office(settings, engine, key, Organizations(engine, key, decided_alone), logbook, Consents(engine, logbook))
