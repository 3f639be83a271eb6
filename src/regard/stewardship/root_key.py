"""The root key, which everything sealed hangs on: in the data folder, or in the database that services share."""

from __future__ import annotations

from base64 import b64decode, b64encode

from sqlalchemy import Engine

from regard.database import open_database
from regard.sealing import NoMasterKey, SealBroken, SealingKey, master_key, renew_master, root_key
from regard.settings import Settings
from regard.stewardship.logbook.log_keys import SharedKeys

_ROOT = "root"


def open_root_key(settings: Settings, engine: Engine) -> SealingKey:
    """The key, made on first use. Services that share a database find it there, sealed under the master key.

    Raises NoMasterKey, PermissionError.
    """
    if not settings.database_url:
        return root_key(settings.data_dir, settings.master_key, settings.master_key_command)
    return SealingKey(b64decode(_shared(settings, engine)))


def renew_master_key(settings: Settings, command: str | None) -> None:
    """Seal the root key under a new master key, which `command` prints, or else in a new file. Raises NoMasterKey."""
    if not settings.database_url:
        renew_master(settings.data_dir, settings.master_key, settings.master_key_command, command)
        return
    if not command:
        raise NoMasterKey("services that share a database are given the master key: name the program that prints it")
    engine = open_database(settings.database_url)
    root = _shared(settings, engine)
    SharedKeys(engine, master_key(settings.data_dir / "master.key", command=command)).write(_ROOT, root)


def _shared(settings: Settings, engine: Engine) -> str:
    """The root key in base64."""
    master = master_key(settings.data_dir / "master.key", settings.master_key, settings.master_key_command)
    kept = SharedKeys(engine, master)
    kept.make(_ROOT, b64encode(SealingKey.generate()).decode())
    try:
        return kept.read(_ROOT)
    except SealBroken:
        raise NoMasterKey("the database was begun under another master key: give all its services the same") from None
