"""Imports of organizations and the edges between them, from CSV, FollowTheMoney JSON and USAspending award CSV.

A reader turns a file into a batch of drafts and ties, and reports each row that it could not read. Loading a
batch finds what is registered already, by identifier and then by name, adds what is new of it, and enters the rest;
all are screened.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from regard.names import legible
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.parties.organization import AGENCY_CODE, NAICS, Organization, identified
from regard.stewardship.parties.organizations import Change, Organizations, new_id
from regard.stewardship.parties.screening import comparable, sector_of_code
from regard.stewardship.policy import vocabulary

Progress = Callable[[int], None]
_STRONG = ("uei", "duns", AGENCY_CODE, "registration", "lei")
_FTM_ORGANIZATIONS = ("Company", "Organization", "LegalEntity", "PublicBody")
_FTM_IDENTIFIERS = {
    "uniqueEntityId": "uei",
    "dunsCode": "duns",
    "registrationNumber": "registration",
    "leiCode": "lei",
}


class UnreadableRow(ValueError):
    """A row that says too little or something unknown; the text says what."""


@dataclass(slots=True)
class Draft:
    """An organization as a file tells it."""

    name: str
    sector: str = "other"
    aliases: list[str] = field(default_factory=list)
    identifiers: list[tuple[str, str]] = field(default_factory=list)
    jurisdictions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """What a file told: drafts by a key of the file's own, ties between keys, and rows that were not read."""

    source: str
    drafts: dict[str, Draft] = field(default_factory=dict)
    ties: set[tuple[str, EdgeKind, str]] = field(default_factory=set)
    unread: list[tuple[int, str]] = field(default_factory=list)
    rows: int = 0

    def add(self, key: str, draft: Draft) -> str:
        """Enter a draft, or add what is new of it to the one that is there; the key."""
        if not draft.name.strip():
            raise UnreadableRow("an organization has no name")
        vocabulary.require_sector(draft.sector)
        draft.identifiers = [identified(*each) for each in draft.identifiers]
        known = self.drafts.setdefault(key, draft)
        if known is not draft:
            known.identifiers += [each for each in draft.identifiers if each not in known.identifiers]
            if draft.name != known.name and draft.name not in known.aliases:
                known.aliases.append(draft.name)
        return key


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or in a dry run would do."""

    rows: int
    new: tuple[Organization, ...]
    known: int
    changed: tuple[str, ...]
    ties: int
    under_review: tuple[str, ...]
    unread: tuple[tuple[int, str], ...]


def load(
    organizations: Organizations, batch: Batch, *, dry_run: bool = False, progress: Progress = lambda _: None
) -> Report:
    """Enter a batch in one transaction. `progress` is told the organizations done so far.

    What a file says of somebody who is known is added, and judged like what one says of oneself: a person decides
    where it is something new that policies speak of. A name that is known under other identifiers may be another's:
    both wait for a person.
    """
    registered = organizations.all()
    index, before = _Index(registered), _Index(registered)
    ids: dict[str, str] = {}
    new: list[Organization] = []
    told = _Told(organizations)
    for done, (key, draft) in enumerate(batch.drafts.items(), 1):
        found = index.find(draft)
        if found is None:
            made = Organization(
                id=new_id(),
                name=draft.name.strip(),
                sector=draft.sector,
                jurisdictions=tuple(draft.jurisdictions),
                aliases=tuple(dict.fromkeys(draft.aliases)),
                identifiers=tuple(dict.fromkeys(draft.identifiers)),
            )
            if namesake := before.namesake(draft):
                told.alike(made, namesake)
            index.add(made)
            new.append(made)
            found = made
        elif found not in new:
            told.of(found, draft)
        ids[key] = found.id
        progress(done)
    ties = _new_ties(organizations, batch, ids)
    unread = [*batch.unread]
    evidence = [
        [*hits, *told.evidence.get(each.id, ())] for each, hits in zip(new, organizations.screened(new), strict=True)
    ]
    changes = told.changes()
    waiting = [each for each, found in zip(new, evidence, strict=True) if found]
    waiting += [change.after for change in changes if change.evidence]
    known = len(batch.drafts) - len(new)
    if not dry_run:
        new = organizations.register_all(new, ties, evidence, changes)
    under_review = tuple(each.name for each in waiting)
    changed = tuple(change.after.name for change in changes)
    return Report(batch.rows, tuple(new), known, changed, len(ties), under_review, tuple(unread))


def read_csv(file: Path, progress: Progress = lambda _: None) -> Batch:
    """Columns: name; sector, aliases, identifiers (`uei:…`), jurisdictions, supplies, owned_by. Lists by `;`."""
    batch = Batch(f"CSV {legible(file.name)}")
    later: list[tuple[int, str, EdgeKind, str]] = []
    for number, row in _rows(file, ("name",), batch, progress):
        _take(batch, number, _csv_row, batch, row, number, later)
    for number, source, kind, name in later:
        if name.casefold() in batch.drafts:
            batch.ties.add((source, kind, name.casefold()))
        else:
            batch.unread.append((number, f"{name!r} has no row of its own"))
    return batch


def read_usaspending(file: Path, progress: Progress = lambda _: None) -> Batch:
    """Award data: who was paid supplies the sub-agency that paid, and is owned by its parent."""
    batch = Batch(f"USAspending {legible(file.name)}")
    columns = ("recipient_name", "awarding_sub_agency_code", "awarding_sub_agency_name")
    for number, row in _rows(file, columns, batch, progress):
        _take(batch, number, _award, batch, row)
    return batch


def read_follow_the_money(file: Path, progress: Progress = lambda _: None) -> Batch:
    """One entity a line: organizations, Ownership, and Contract with ContractAward."""
    batch = Batch(f"FollowTheMoney {legible(file.name)}")
    entities: list[tuple[int, dict[str, Any]]] = []
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                batch.rows += 1
                _take(batch, number, _ftm_line, entities, number, line)
            progress(number)
    for number, entity in entities:
        if entity["schema"] in _FTM_ORGANIZATIONS:
            _take(batch, number, _ftm_organization, batch, entity)
    authorities = {entity["id"]: _all(entity, "authority") for _, entity in entities if entity["schema"] == "Contract"}
    for number, entity in entities:
        if entity["schema"] in _FTM_ORGANIZATIONS or entity["schema"] == "Contract":
            continue
        _take(batch, number, _ftm_tie, batch, entity, authorities)
    return batch


READERS = {"csv": read_csv, "ftm": read_follow_the_money, "usaspending": read_usaspending}


class _Index:
    """Finds who is registered already: by a strong identifier, else by the whole name."""

    def __init__(self, registered: Iterable[Organization]) -> None:
        self._by_identifier: dict[tuple[str, str], Organization] = {}
        self._by_name: dict[str, Organization] = {}
        for each in registered:
            self.add(each)

    def add(self, organization: Organization) -> None:
        """Let `find` find this organization too."""
        for identifier in organization.identifiers:
            if identifier[0] in _STRONG:
                self._by_identifier.setdefault(identified(*identifier), organization)
        self._by_name.setdefault(comparable(organization.name), organization)

    def find(self, draft: Draft) -> Organization | None:
        """The registered organization that a draft is about, by identifier and then by name; or None."""
        strong = [each for each in draft.identifiers if each[0] in _STRONG]
        for identifier in strong:
            if identifier in self._by_identifier:
                return self._by_identifier[identifier]
        # Two that differ in their identifiers may well have one name.
        return None if strong else self._by_name.get(comparable(draft.name))

    def namesake(self, draft: Draft) -> Organization | None:
        """One of the same name that has no identifier which would tell it from the draft."""
        known = self._by_name.get(comparable(draft.name))
        schemes = {scheme for scheme, _ in draft.identifiers if scheme in _STRONG}
        return None if known is None or schemes & {scheme for scheme, _ in known.identifiers} else known


class _Told:
    """What a file tells of those who are registered already."""

    def __init__(self, organizations: Organizations) -> None:
        self._organizations = organizations
        self._before: dict[str, Organization] = {}
        self._after: dict[str, Organization] = {}
        self.evidence: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def of(self, known: Organization, draft: Draft) -> None:
        """Add what a draft says of one that is known."""
        self._before.setdefault(known.id, known)
        known = self._after.get(known.id, known)
        names = {comparable(name) for name in (known.name, *known.aliases)}
        aliases = [name for name in (draft.name.strip(), *draft.aliases) if comparable(name) not in names]
        self._after[known.id] = replace(
            known,
            aliases=tuple(dict.fromkeys((*known.aliases, *aliases))),
            identifiers=tuple(dict.fromkeys((*known.identifiers, *draft.identifiers))),
        )
        if draft.sector != known.sector and vocabulary.sectors()[draft.sector].watched:
            self.evidence[known.id].append(_hit("sector", draft.sector, known.name, draft.sector))

    def alike(self, made: Organization, known: Organization) -> None:
        """Note that an organization to be entered and one that is known may be the same: people decide."""
        self.evidence[made.id].append(_hit("namesake", made.name, known.name, known.sector))
        self.evidence[known.id].append(_hit("namesake", made.name, known.name, made.sector))
        self._before.setdefault(known.id, known)
        self._after.setdefault(known.id, known)

    def changes(self) -> list[Change]:
        """What becomes of those who are known, with the evidence that nobody has judged yet."""
        after = list(self._after.values())
        changes = []
        for each, screened in zip(after, self._organizations.screened(after), strict=True):
            before, judged = self._before[each.id], self._organizations.admission.judged(each.id)
            hits = [*(screened if each != before else ()), *self.evidence[each.id]]
            new = [hit for hit in hits if hit not in judged]
            if new or each != before:
                changes.append(Change(before, each, new))
        return changes


def _hit(how: str, what: str, known: str, sector: str) -> dict[str, Any]:
    return {"by": how, "found": what, "resembles": known, "sector": sector, "score": 100.0}


def _new_ties(organizations: Organizations, batch: Batch, ids: dict[str, str]) -> list[Edge]:
    there = {(edge.source, edge.kind, edge.target) for edge in organizations.edges.all()}
    wanted = {(ids[source], kind, ids[target]) for source, kind, target in batch.ties}
    return [Edge(*tie, batch.source) for tie in sorted(wanted - there) if tie[0] != tie[2]]


def _take(batch: Batch, number: int, read: Callable[..., None], *given: Any) -> None:
    try:
        read(*given)
    except (ValueError, KeyError, TypeError) as error:
        batch.unread.append((number, str(error)))


def _rows(
    file: Path, columns: tuple[str, ...], batch: Batch, progress: Progress
) -> Iterator[tuple[int, dict[str, str]]]:
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise UnreadableRow(f"{file.name} has no column {', '.join(missing)}")
        for number, row in enumerate(reader, 2):
            batch.rows += 1
            progress(batch.rows)
            yield number, {key: legible(value or "") for key, value in row.items() if isinstance(key, str)}


def _csv_row(batch: Batch, row: dict[str, str], number: int, later: list[tuple[int, str, EdgeKind, str]]) -> None:
    pairs = [each.partition(":") for each in _parts(row, "identifiers")]
    if any(not (scheme and value) for scheme, _, value in pairs):
        raise UnreadableRow("an identifier is a scheme, a colon and a value: uei:ABC123")
    draft = Draft(
        name=row["name"],
        sector=row.get("sector") or "other",
        aliases=_parts(row, "aliases"),
        identifiers=[(scheme, value) for scheme, _, value in pairs],
        jurisdictions=_parts(row, "jurisdictions"),
    )
    key = batch.add(row["name"].casefold(), draft)
    for column, kind in (("supplies", EdgeKind.SUPPLIES), ("owned_by", EdgeKind.OWNED_BY)):
        later += [(number, key, kind, name) for name in _parts(row, column)]


def _parts(row: dict[str, str], column: str) -> list[str]:
    return [part.strip() for part in row.get(column, "").split(";") if part.strip()]


def _award(batch: Batch, row: dict[str, str]) -> None:
    code = row["awarding_sub_agency_code"]
    agency = Draft(row["awarding_sub_agency_name"], sector_of_code(code), identifiers=[(AGENCY_CODE, code)])
    if not code:
        raise UnreadableRow("the award names no sub-agency code")
    recipient = _recipient(row, "recipient_name", "recipient_uei", "recipient_duns")
    if row.get("naics_code"):
        recipient.identifiers.append((NAICS, row["naics_code"]))
    supplier = batch.add(_key(recipient), recipient)
    batch.ties.add((supplier, EdgeKind.SUPPLIES, batch.add(f"{AGENCY_CODE}:{code}", agency)))
    if row.get("recipient_parent_name"):
        parent = _recipient(row, "recipient_parent_name", "recipient_parent_uei", "recipient_parent_duns")
        batch.ties.add((supplier, EdgeKind.OWNED_BY, batch.add(_key(parent), parent)))


def _recipient(row: dict[str, str], name: str, uei: str, duns: str) -> Draft:
    identifiers = [(scheme, row[column]) for scheme, column in (("uei", uei), ("duns", duns)) if row.get(column)]
    return Draft(row[name], identifiers=identifiers)


def _key(draft: Draft) -> str:
    return ":".join(draft.identifiers[0]) if draft.identifiers else draft.name.casefold()


def _ftm_line(entities: list[tuple[int, dict[str, Any]]], number: int, line: str) -> None:
    entity = json.loads(line)
    whole = isinstance(entity, dict) and {"id", "schema", "properties"} <= entity.keys()
    if not whole or not isinstance(entity["properties"], dict):
        raise UnreadableRow("an entity has id, schema and properties")
    told = {name: [legible(str(value)) for value in values or ()] for name, values in entity["properties"].items()}
    entities.append((number, {"id": legible(str(entity["id"])), "schema": entity["schema"], "properties": told}))


def _ftm_organization(batch: Batch, entity: dict[str, Any]) -> None:
    names = _all(entity, "name")
    if not names:
        raise UnreadableRow(f"the entity {entity['id']} has no name")
    identifiers = [(scheme, value) for prop, scheme in _FTM_IDENTIFIERS.items() for value in _all(entity, prop)]
    sector = "government" if entity["schema"] == "PublicBody" else "other"
    aliases = [*names[1:], *_all(entity, "alias"), *_all(entity, "weakAlias")]
    countries = [*_all(entity, "jurisdiction"), *_all(entity, "country")]
    batch.add(entity["id"], Draft(names[0], sector, aliases, identifiers, list(dict.fromkeys(countries))))


def _ftm_tie(batch: Batch, entity: dict[str, Any], authorities: dict[str, list[str]]) -> None:
    match entity["schema"]:
        case "Ownership":
            ends = [(a, EdgeKind.OWNED_BY, o) for a in _all(entity, "asset") for o in _all(entity, "owner")]
        case "ContractAward":
            buyers = [buyer for contract in _all(entity, "contract") for buyer in authorities.get(contract, [])]
            ends = [(s, EdgeKind.SUPPLIES, buyer) for s in _all(entity, "supplier") for buyer in buyers]
        case other:
            raise UnreadableRow(f"the schema {other} says nothing about who supplies or owns whom")
    known = [tie for tie in ends if tie[0] in batch.drafts and tie[2] in batch.drafts]
    batch.ties.update(known)
    if not ends or len(known) < len(ends):
        raise UnreadableRow(f"{entity['schema']} {entity['id']} names an organization that is not in the file")


def _all(entity: dict[str, Any], prop: str) -> list[str]:
    properties: dict[str, list[str]] = entity["properties"]
    return properties.get(prop, [])
