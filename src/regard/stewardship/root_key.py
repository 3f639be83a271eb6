"""The root key, which everything sealed hangs on: in the data folder, or in the database that services share."""

from __future__ import annotations

from base64 import b64decode, b64encode

from sqlalchemy import Engine

from regard.database import open_database, reading
from regard.sealing import NoMasterKey, SealBroken, SealingKey, master_key, renew_master, root_key
from regard.settings import Settings
from regard.stewardship.logbook.log_keys import SharedKeys, shared_key
from regard.stewardship.records.pins import any_pinned

_ROOT = "root"


def open_root_key(settings: Settings, engine: Engine) -> SealingKey:
    """The key, made on first use. Services that share a database find it there, sealed under the master key.

    Raises NoMasterKey, PermissionError.
    """
    if not _is_there(settings, engine):
        with reading(engine) as connection:
            if any_pinned(connection):
                raise NoMasterKey(
                    "root.sealed is gone, and with it the key of all that is sealed here; none is made in its place. "
                    "Put it back from a backup, or begin with a new data folder."
                )
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


def _is_there(settings: Settings, engine: Engine) -> bool:
    """Whether there is a root key, sealed under whichever master key."""
    return shared_key(engine, _ROOT) if settings.database_url else (settings.data_dir / "root.sealed").exists()


def _shared(settings: Settings, engine: Engine) -> str:
    """The root key in base64."""
    master = master_key(settings.data_dir / "master.key", settings.master_key, settings.master_key_command)
    kept = SharedKeys(engine, master)
    kept.make(_ROOT, b64encode(SealingKey.generate()).decode())
    try:
        return kept.read(_ROOT)
    except SealBroken:
        raise NoMasterKey("the database was begun under another master key: give all its services the same") from None
