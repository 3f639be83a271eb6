"""The terms of a collection: reserved tags, only ever tightened. `gallery.collections` are the collections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from unicodedata import normalize

from sqlalchemy import Connection, Engine, bindparam, insert, select, update

from regard.gallery.collections import tables
from regard.gallery.collections.terms import SEALED, are_sealed, check_terms, seal_terms
from regard.reader import Reader
from regard.stewardship.council.motions import BadMotion
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.denied import Denied
from regard.stewardship.policy.vocabulary import BASES, Purpose
from regard.vision.faces.similarity import PROFILES

PREFIX = "regard:"
BASIS, PURPOSE, RETENTION = "regard:basis", "regard:purpose", "regard:retention-days"
# After how many hours, 0 being at once, people whom a search finds are to be told; without it they are not.
NOTICE = "regard:notice-hours"
MOST_NOTICE_HOURS = 30 * 24  # GDPR 14(3)(a): a month at the latest
# How the faces of a collection are embedded: given when it is made, or set there where rights are at stake.
PROFILE = "regard:profile"
PROFILED = "x-regard-profile"
# Names, on a collection that is being made anew with another face model, the one that it succeeds. Only we set it.
RENEWS, SUCCESSOR = "regard:renews", ".renewed"
# Those that a motion may loosen, and all of them.
_LOOSENED = (BASIS, PURPOSE, RETENTION, NOTICE)
_RESERVED = (*_LOOSENED, PROFILE)
MOST_DAYS = 3 * 365  # Illinois BIPA 15(a): three years since the last interaction, whatever the tags say
_RULE = "reserved-tags"
_APPEAL = "a motion of the council may loosen what a collection stands on."


@dataclass(frozen=True, slots=True)
class Terms:
    """What a collection stands on, by its tags, how many faces it holds, and of which FaceModelVersion.

    `changed` says that this was changed behind the service, or the consents of those in it were.
    """

    tags: Mapping[str, str]
    faces: int
    face_model: str = ""
    changed: bool = False


class Collections(Protocol):
    """What the gate asks the gallery."""

    def terms(self, organization: str, collection: str) -> Terms | None:
        """The terms of a collection, or None when there is none of this name."""


class KeptCollections:
    """The collections of the gallery. Asked anew each time: tags may be tightened by any process."""

    def __init__(self, engine: Engine) -> None:
        kept, tags = tables.collections.c, tables.tags.c
        named = (kept.organization == bindparam("organization")) & (kept.collection_id == bindparam("collection"))
        joined = tables.collections.outerjoin(tables.tags, tags.collection == kept.id)
        self._engine = engine
        wanted = select(kept.faces, kept.seal, *SEALED, tags.key, tags.value)
        self._reader = Reader(engine, wanted.select_from(joined).where(named))

    def terms(self, organization: str, collection: str) -> Terms | None:
        """The terms of a collection, or None when there is none of this name."""
        rows = self._reader.rows(organization=organization, collection=collection)
        if not rows:
            return None
        faces, seal, *columns = rows[0][:-2]
        found = {key: value for *_, key, value in rows if key is not None}
        return Terms(found, faces, columns[3], not are_sealed(self._engine, tuple(columns), found, seal))


def set_terms(call: Call, purposes: Mapping[str, Purpose], rights_profile: str) -> None:
    """Check the reserved tags of CreateCollection; those not given come from the key. Raises Denied.

    `rights_profile` is the profile of a collection whose purpose puts a person's rights at stake, unless a tag says
    another; `call.remarks` tells it.
    """
    tags = dict(call.parameters.get("Tags") or {})
    _check(tags, purposes)
    tags.setdefault(BASIS, call.caller.basis)
    tags.setdefault(PURPOSE, call.caller.purpose)
    purpose = purposes.get(tags[PURPOSE])
    if purpose is not None and purpose.notice is not None:
        # Sooner is as good; later is a motion's.
        tags[NOTICE] = str(min(int(tags.get(NOTICE, purpose.notice)), purpose.notice))
    if purpose is not None and purpose.rights and PROFILE not in tags:
        tags[PROFILE] = rights_profile
        why = f"as rights are at stake for {tags[PURPOSE]}; the tag {PROFILE} may say another"
        call.remarks[PROFILED] = f"{rights_profile}, {why}"
    call.parameters["Tags"] = tags


def check_tightening(call: Call, current: Mapping[str, str], purposes: Mapping[str, Purpose]) -> None:
    """Refuse TagResource and UntagResource where they would loosen. Raises Denied."""
    # One that only reads like them, from before such were refused, stands for nothing and may go.
    removed = [key for key in call.parameters.get("TagKeys") or () if key.startswith(PREFIX)]
    if removed:
        raise Denied(_RULE, f"The tag {removed[0]} is not taken off a collection.", appeal=_APPEAL)
    new: dict[str, Any] = {
        key: value
        for key, value in (call.parameters.get("Tags") or {}).items()
        if reads_as_reserved(key) and current.get(key) != value
    }
    _check(new, purposes)
    basis, days = new.get(BASIS), new.get(RETENTION)
    if basis and BASES.index(basis) < BASES.index(current.get(BASIS, BASES[0])):
        raise Denied(_RULE, f"The basis {current[BASIS]} is not loosened to {basis}.", appeal=_APPEAL)
    if PROFILE in new:
        raise Denied(_RULE, "The profile of a collection does not change: make another, or make it anew (re-embed).")
    if PURPOSE in new and PURPOSE in current:
        raise Denied(_RULE, "The purpose of a collection does not change: make another.", appeal=_APPEAL)
    if NOTICE in new and int(new[NOTICE]) > int(current.get(NOTICE, MOST_NOTICE_HOURS)):
        raise Denied(_RULE, "Notice to people who are found is not put off.", appeal=_APPEAL)
    if days and int(days) > int(current.get(RETENTION, MOST_DAYS)):
        raise Denied(_RULE, "The retention term of a collection is not prolonged.", appeal=_APPEAL)


def check_loosening(connection: Connection, payload: Mapping[str, Any], purposes: Mapping[str, Purpose]) -> None:
    """Refuse a motion on the reserved tags of no collection, or to values that cannot be. Raises BadMotion."""
    tags = payload.get("tags")
    if not isinstance(tags, dict) or not tags or not {*tags} <= {*_LOOSENED}:
        raise BadMotion(f"a motion on tags sets some of {', '.join(_LOOSENED)}")
    try:
        _check({key: str(value) for key, value in tags.items()}, purposes)
    except Denied as denied:
        raise BadMotion(str(denied)) from None
    if row_of(connection, payload) is None:
        raise BadMotion("the organization has no collection of this name")


def loosen(connection: Connection, payload: Mapping[str, Any]) -> None:
    """Set the reserved tags that a motion carried, once; nothing where the collection is gone."""
    row, of = row_of(connection, payload), tables.tags
    if row is not None:
        check_terms(connection, row)
    for key, value in payload["tags"].items() if row is not None else ():
        same = (of.c.collection == row) & (of.c.key == key)
        if not connection.execute(update(of).where(same).values(value=str(value))).rowcount:
            connection.execute(insert(of).values(collection=row, key=key, value=str(value)))
    if row is not None:
        seal_terms(connection, row)


def row_of(connection: Connection, payload: Mapping[str, Any]) -> Any:
    """The number of the collection that a payload names, or None."""
    of, name = tables.collections, str(payload.get("collection"))
    same = (of.c.organization == str(payload.get("organization"))) & (of.c.collection_id == name)
    return connection.execute(select(of.c.id).where(same)).scalar()


def reads_as_reserved(key: str) -> bool:
    """Whether people would take a tag for a reserved one: also in capitals, in wide letters, with blanks in it."""
    return "".join(normalize("NFKC", key).split()).casefold().startswith(PREFIX)


def _check(tags: Mapping[str, str], purposes: Mapping[str, Purpose]) -> None:
    for key in tags:
        if reads_as_reserved(key) and key not in _RESERVED:
            raise Denied(_RULE, f"There is no reserved tag {key}. There are {', '.join(_RESERVED)}, written so.")
    if tags.get(BASIS, BASES[0]) not in BASES:
        raise Denied(_RULE, f"{BASIS} is one of: {', '.join(BASES)}.")
    if PURPOSE in tags and tags[PURPOSE] not in purposes:
        raise Denied(_RULE, f"{PURPOSE} is one of: {', '.join(purposes)}.")
    if PROFILE in tags and tags[PROFILE] not in PROFILES:
        raise Denied(_RULE, f"{PROFILE} is one of: {', '.join(PROFILES)}.")
    days = tags.get(RETENTION)
    if days is not None and not (days.isascii() and days.isdigit() and 1 <= int(days) <= MOST_DAYS):
        raise Denied(_RULE, f"{RETENTION} is a number of days from 1 to {MOST_DAYS}.")
    hours = tags.get(NOTICE)
    if hours is not None and not (hours.isascii() and hours.isdigit() and int(hours) <= MOST_NOTICE_HOURS):
        raise Denied(_RULE, f"{NOTICE} is a number of hours from 0 to {MOST_NOTICE_HOURS}.")
