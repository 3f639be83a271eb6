"""A decision at 10,000 organizations and 20,000 edges, beside other costs of the same request."""

from __future__ import annotations

import hashlib
import itertools
import random
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, insert, select

from benchmarks.measuring import Work, markdown, medians, seconds
from benchmarks.pictures import small
from regard.house import open_house
from regard.operations.common.registry import answered
from regard.settings import from_environment
from regard.stewardship.gate.snapshot import Snapshots
from regard.stewardship.office import start_office
from regard.stewardship.parties.organization_rows import seal_organizations
from regard.stewardship.parties.organizations import new_id
from regard.stewardship.policy.call import Call, Caller, Capability, DataClass, Operation
from regard.stewardship.records import tables

ORGANIZATIONS, EDGES, POLICE = 10_000, 20_000, 20
BODY = bytes(300_000)
OPERATION = Operation("SearchFacesByImage", Capability.IDENTIFY, DataClass.TEMPLATES)


def run() -> str:
    with TemporaryDirectory(dir=".", prefix=".policy-") as folder:
        office = start_office(from_environment(data_dir=Path(folder)))
        engine, organizations = office.engine, office.organizations
        service = open_house(office).service
        gate = service.gate
        _fill(engine)
        load = seconds(Snapshots(engine).current)
        caller = organizations.issue_key(_free(engine), "development", days=1).caller
        gate.before(_call(caller, "warm"))
        names = (f"collection-{number}" for number in itertools.count())
        works: dict[str, Work] = {
            "a decision not made before": lambda: gate.before(_call(caller, next(names))),
            "the same decision again": lambda: gate.before(_call(caller, "warm")),
            "finding the access key": lambda: organizations.key(caller.access_key_id),
            "SHA-256 of a body of 300 KB": lambda: hashlib.sha256(BODY).digest(),
            "reading one row in a transaction": lambda: _row(engine),
        }
        # Apart: what a model leaves in the processor's caches is nothing of the gate's.
        picture = small(1)[0]
        whole: dict[str, Work] = {"all of DetectFaces, 250×250": lambda: service.answer(_detection(caller, picture))}
        taken = medians(works, 500) | medians(whole, 100)
        office.logbook.close()
    decision = taken["a decision not made before"]
    rows = [(name, f"{each * 1e3:.3f}", f"{each / decision:.2f}") for name, each in taken.items()]
    return markdown(
        "The gate",
        ("what", "ms", "beside a new decision"),
        rows,
        f"{ORGANIZATIONS:,} organizations and {EDGES:,} edges, read from the database in {load:.2f} s. "
        "Medians of 500 calls that took turns; of DetectFaces, of 100. The bar is 0.3 ms a decision.",
    )


def _fill(engine: Engine) -> None:
    chance = random.Random(11)
    ids = [new_id() for _ in range(ORGANIZATIONS)]
    rows: list[dict[str, object]] = [
        {
            "id": each,
            "name": f"Organization {number}",
            "sector": "law-enforcement" if number < POLICE else "technology",
            "jurisdictions": [],
            "standing": "admitted",
            "operator": False,
            "created_at": 0.0,
        }
        for number, each in enumerate(ids)
    ]
    ends: set[tuple[str, str]] = set()
    while len(ends) < EDGES:
        # The last thousand supply nobody, so that somebody is left to allow.
        source, target = chance.choice(ids[:-1000]), chance.choice(ids[:-1000])
        if source != target:
            ends.add((source, target))
    edges = [
        {"source": source, "kind": "supplies", "target": target, "evidence": "a benchmark", "created_at": 0.0}
        for source, target in ends
    ]
    with engine.begin() as connection:
        connection.execute(insert(tables.organizations), rows)
        connection.execute(insert(tables.edges), edges)
        seal_organizations(connection, *ids)


def _free(engine: Engine) -> str:
    of, edges = tables.organizations, tables.edges
    tied = select(edges.c.source).union(select(edges.c.target))
    query = select(of.c.id).where((of.c.sector == "technology") & of.c.id.not_in(tied)).limit(1)
    with engine.connect() as connection:
        return str(connection.execute(query).scalar_one())


def _call(caller: Caller, collection: str) -> Call:
    return Call(
        caller, OPERATION, {"CollectionId": collection, "FaceMatchThreshold": 90.0}, "us-east-1", "request", True
    )


def _detection(caller: Caller, picture: bytes) -> Call:
    return Call(caller, answered()["DetectFaces"], {"Image": {"Bytes": picture}}, "us-east-1", "request", True)


def _row(engine: Engine) -> None:
    with engine.connect().execution_options(read_only=True) as connection:
        connection.execute(select(tables.revision.c.number)).scalar()
