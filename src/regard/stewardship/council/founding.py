"""Whether the council is still the one that was founded first: five places tell of its genesis, and all must agree.

They are the motions, the record, a pin in the database, a pin in a file beside `root.sealed`, and the public log. A
data folder from before there were pins gets them at its first start, and the log says so.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, Engine, select

from regard.database import reading
from regard.stewardship.council.law import read_founded
from regard.stewardship.records import records, tables
from regard.stewardship.records.pins import Pins

GENESIS = "genesis"
PINNED = "regard/pinned"  # a kind of record


class NotTheFirst(RuntimeError):
    """The council is not, or not everywhere, the one that was founded first; the text says who tells of which."""


class _Pin(msgspec.Struct):
    """The pin in the database. `beside` and `logged` say that the file and the log told of the same genesis once."""

    genesis: str
    beside: bool = False
    logged: bool = False


def pin_genesis(pins: Pins, connection: Connection, genesis: str) -> None:
    """Pin a genesis in the transaction that founds."""
    _put(pins, connection, _Pin(genesis))


def recorded_genesis(engine: Engine) -> str | None:
    """The genesis of which the record tells."""
    with reading(engine) as connection:
        return _rows(connection)["the record"]


def check_genesis(
    engine: Engine, pins: Pins, logged: str | None, now: float, adopt: Callable[[Connection], None]
) -> bool:
    """Refuse a council that is not the first one, and keep the pins; whether the log told of it at an earlier start.

    `logged` is the genesis of which the public log tells, None where it tells of none. `adopt` is called within the
    transaction that pins the genesis of a folder from before there were pins. Raises NotTheFirst, PinBroken.
    """
    with reading(engine) as connection:
        found, pin = _rows(connection), _get(pins, connection)
        pinned_before = _pinned_before(connection)
    beside = pins.read_file()
    found["the pin in the database"] = None if pin is None else pin.genesis
    found["the pin in genesis.sealed"] = None if beside is None else beside.decode()
    found["the log"] = logged
    new = pin is None and beside is None and not pinned_before
    allowed = _missing_allowed(pin, new, shared=engine.dialect.name == "postgresql")
    told = {place: genesis for place, genesis in found.items() if genesis is not None or place not in allowed}
    genesis = found["the record"]
    if genesis is None or {*told.values()} != {genesis}:
        raise NotTheFirst(_text(told))
    told_before, kept = pin is not None and pin.logged, pin
    if beside is None:
        # The file is there before the database says that it is: who is killed between the two goes on.
        if kept is None:
            kept = _Pin(genesis)
            _keep(engine, pins, None, kept, now, adopt)
        pins.write_file(genesis.encode())
    _keep(engine, pins, kept, _Pin(genesis, beside=True, logged=logged is not None), now, adopt)
    return told_before


def _rows(connection: Connection) -> dict[str, str | None]:
    """The genesis as the record and the motions tell of it."""
    founded = read_founded(connection)
    told = " and ".join(founded) or None
    of = tables.motions.c
    row = connection.execute(select(of.hash).where(of.hash == told)).scalar()
    return {"the record": told, "the motions": row}


def _pinned_before(connection: Connection) -> bool:
    of = tables.records.c
    return connection.execute(select(of.sequence).where(of.kind == PINNED).limit(1)).first() is not None


def _missing_allowed(pin: _Pin | None, new: bool, *, shared: bool) -> set[str]:
    """Of which places it is no wonder that they tell of none."""
    allowed = {"the pin in the database", "the pin in genesis.sealed"} if new else set()
    # The start that wrote the pin may have been cut off; and each machine that shares a database has a file of its own.
    if pin is not None and (shared or not pin.beside):
        allowed.add("the pin in genesis.sealed")
    if new or (pin is not None and not pin.logged):
        allowed.add("the log")
    return allowed


def _keep(
    engine: Engine, pins: Pins, before: _Pin | None, told: _Pin, now: float, adopt: Callable[[Connection], None]
) -> None:
    if before is not None and (before.logged or not told.logged) and before.beside:
        return
    with engine.begin() as connection:
        if before is None:
            records.append(connection, PINNED, now, {"genesis": told.genesis})
            adopt(connection)
        _put(pins, connection, told)


def _get(pins: Pins, connection: Connection) -> _Pin | None:
    kept = pins.read(connection, GENESIS)
    return None if kept is None else msgspec.json.decode(kept, type=_Pin)


def _put(pins: Pins, connection: Connection, pin: _Pin) -> None:
    pins.put(connection, GENESIS, msgspec.json.encode(pin))


def _text(told: dict[str, str | None]) -> str:
    if not any(told.values()):
        return "there are records here, and no council was ever founded: begin with a new data folder."
    places = "; ".join(f"{place}: {genesis or 'none'}" for place, genesis in told.items())
    return (
        f"the council is not everywhere the one that was founded first ({places}). Nothing is founded anew. Put back "
        "regard.db, root.sealed, genesis.sealed and log/ as they were, from one backup."
    )
