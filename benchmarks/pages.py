"""How long each page takes to answer where there is much: faces, consents, candidates, details, entries of the log."""

from __future__ import annotations

import asyncio
import gc
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
import msgspec
import numpy as np
from starlette.applications import Starlette

from benchmarks.measuring import markdown, seconds
from regard.custom.manifests import judge
from regard.custom.projects import Feature
from regard.custom.versions.models import ModelFile, keep_model
from regard.custom.versions.states import State
from regard.custom.versions.summaries import Scored, evaluation_summary
from regard.custom.workbench.kept import Results
from regard.custom.workbench.tested import SUMMARY, Asked, Tested
from regard.gallery.faces import Candidate as NewFace
from regard.ledger.witnesses.cosigning import open_cosigning
from regard.operations.common.registry import answered
from regard.pages.console.desk import COOKIE
from regard.pages.routes import open_pages
from regard.stewardship.logbook.payloads import Part
from regard.stewardship.people.consent import Controller, NewConsent, Notice, Proof, ProofKind, draw_up
from regard.stewardship.people.inbox import About, Filing
from regard.stewardship.people.matches.candidates import HOURS, PENDING, Match, Search, key_of, row_of
from regard.stewardship.people.matches.probe import Probe
from regard.stewardship.people.subject_sessions import SubjectSessions
from regard.stewardship.people.subject_tokens import SubjectTokens
from regard.stewardship.policy.call import Call, Caller
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import insert_sealed
from regard.stewardship.staff.staff import Role
from regard.wire.live.conversation import Conversations
from regard.wire.metrics import Metrics
from tests.helpers.consoled import ORIGIN, Console
from tests.helpers.custom import line
from tests.helpers.fakes import picture_of
from tests.helpers.many_labels import many

COUNT = 100_000
# What one person may have been found by: somebody whom a door finds ten times on each working day, for four years.
SEARCHES = 10_000
AT_ONCE = 10_000
ROUNDS = 7
DIMENSIONS = 128
# Lines of a dataset, and labels of a version: the most that there may be.
LINES, LABELS = 250_000, 250
PURPOSE, COLLECTION, MANY = "access-control", "staff", "friends"
ALICE = "external/alice"
_CROP_BYTES = 2_000
_PATIENCE = 300.0
_PUBLIC = (
    "/",
    "/policy",
    "/council",
    "/log",
    "/log?decision=denied",
    "/log?kind=nothing",
    "/reports",
    "/models",
    "/appeal",
    "/stewardship/v1/charter",
    "/stewardship/v1/motions",
)
_CONSOLE = {
    Role.OPERATOR: (
        "",
        "/try",
        "/collections",
        f"/collections/{MANY}",
        "/search",
        "/jobs",
        "/streams",
        "/keys",
        "/organizations",
        "/motions",
        "/people",
        "/people?page=2000",
        "/people?subject=alice",
        "/labels/parts",
        "/labels/parts/many",
        "/labels/parts/many?pairs=40",
        "/inbox",
        "/health",
    ),
    Role.REVIEWER: ("/review", "/pictures"),
}

Ask = Callable[[], httpx.Response]


def run() -> str:
    """The section of docs/benchmarks.md."""
    # The checkout's own disk: the system's temporary folder may be memory.
    with TemporaryDirectory(dir=".", prefix=".pages-") as folder, _opened(Path(folder)) as console:
        _fill(console)
        # As `serve` does.
        gc.freeze()
        rows = [_row(name, ask) for name, ask in _pages(console).items()]
    rows.sort(key=lambda row: -float(row[2]))
    return markdown(
        "Pages",
        ("page", "ms", "of a core, ms", "KB"),
        rows,
        f"{COUNT:,} faces, consents, candidates that wait for this reviewer, sealed details and entries of the log of "
        f"one month; {SEARCHES:,} searches found the person of `/me`, named by 100 of {LINES:,} lines of labels; "
        f"the version was tested with 800 pictures of {LABELS}, and none is read. In process: no HTTP, no TLS. "
        f"Medians of {ROUNDS} after the first, and processor time, which others on the machine change less. SQLite. "
        "`python -m benchmarks pages`",
    )


@contextmanager
def _opened(folder: Path) -> Iterator[Console]:
    console = Console(folder / "data")
    console.office.logbook.start()
    try:
        yield console
    finally:
        console.close()


def _row(name: str, ask: Ask) -> tuple[str, ...]:
    until = time.monotonic() + _PATIENCE
    # The month is counted in the background, and its page is there then.
    while (answer := ask()).status_code == 404 and time.monotonic() < until:
        time.sleep(1)
    if answer.status_code != 200:
        raise SystemExit(f"{name} answered {answer.status_code}: {answer.text[:500]}")
    begun = time.process_time()
    taken = median(seconds(ask) for _ in range(ROUNDS))
    of_core = (time.process_time() - begun) / ROUNDS
    return f"`{name}`", f"{1000 * taken:.0f}", f"{1000 * of_core:.0f}", f"{len(answer.content) / 1000:.0f}"


def _pages(console: Console) -> dict[str, Ask]:
    house, office = console.house, console.office
    cosigning = open_cosigning(office.settings, office.logbook.shards, office.public_log)
    application = open_pages(
        office,
        house.holdings,
        house.service,
        console.pool,
        Metrics(),
        cosigning,
        house.eyes.weights,
        Conversations(house.service, console.pool),
        lambda: None,
    )

    def asking(path: str, cookie: str = "", auth: tuple[str, str] | None = None) -> Ask:
        return lambda: asyncio.run(_asked(application, path, cookie, auth))

    found = {path: asking(path) for path in _PUBLIC}
    found[f"/reports/{_month()}"] = asking(f"/reports/{_month()}")
    found[f"/log/{_month()}/entries/500"] = asking(f"/log/{_month()}/entries/500")
    for role, paths in _CONSOLE.items():
        somebody = console.somebody(f"a-{role}", role)
        found |= {f"/console{path}": asking(f"/console{path}", f"{COOKIE}={somebody.cookie}") for path in paths}
    reviews = house.holdings.reviews
    login = f"{console.organization}/ada", reviews.reviewers.appoint(console.organization, "ada")
    found |= {path: asking(path, auth=login) for path in ("/review", f"/review?page={COUNT // 10}")}
    tokens = SubjectTokens(office.engine)
    secret = SubjectSessions(office.engine, office.key, tokens).open(
        tokens.issue(_caller(console), "alice", "passport")
    )
    return found | {path: asking(path, f"regard-me={secret}") for path in ("/me", "/me?page=200", "/me/export.zip")}


async def _asked(application: Starlette, path: str, cookie: str, auth: tuple[str, str] | None) -> httpx.Response:
    transport = httpx.ASGITransport(application, client=("127.0.0.1", 50_000))
    headers = {"accept": "text/html", "cookie": cookie} if cookie else {"accept": "text/html"}
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        return await client.get(path, headers=headers, auth=auth)


def _fill(console: Console) -> None:
    caller = _caller(console)
    _enrolled(console, caller)
    _consented(console, caller)
    _waiting(console, caller)
    _told(console, caller)
    _entered(console)
    _labelled(console, caller)
    for number in range(20):
        console.inbox.file(Filing(About.ABUSE, "I was refused"), f"198.51.100.{number}")


def _caller(console: Console) -> Caller:
    """The holder of a key for what people review."""
    keys = console.office.organizations.keys.all(console.organization)
    found = next((key for key in keys if key.caller.purpose == PURPOSE), None)
    return (found or console.office.organizations.issue_key(console.organization, PURPOSE)).caller


def _enrolled(console: Console, caller: Caller) -> None:
    """Many without a name, which nobody has to consent to for the first key's purpose, and one with a consent."""
    first = console.office.organizations.keys.all(console.organization)[0].caller
    for who, name, basis in ((caller, COLLECTION, "consent"), (first, MANY, "attested")):
        _answered(console, who, "CreateCollection", CollectionId=name, Tags={"regard:basis": basis})
    gallery, random = console.house.holdings.gallery, np.random.default_rng(0)
    for start in range(0, COUNT, AT_ONCE):
        vectors = random.standard_normal((AT_ONCE, DIMENSIONS)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        faces = [NewFace((0.0, 0.0, 1.0, float(start + place)), 99.0, each) for place, each in enumerate(vectors)]
        with gallery.writing() as connection:
            gallery.faces.enrol(connection, caller.organization, MANY, b"picture", faces, "1.0")
    with gallery.writing() as connection:
        face = NewFace((0.0, 0.0, 1.0, 1.0), 99.0, vectors[0])
        gallery.faces.enrol(connection, caller.organization, COLLECTION, picture_of(1), [face], "1.0-accurate", "alice")


def _consented(console: Console, caller: Caller) -> None:
    notice, controller = Notice("2026-03", "en", "ab" * 32), Controller(caller.organization, "An operator")
    proof = Proof(ProofKind.REQUEST, caller.access_key_id)
    told = msgspec.json.encode(proof).decode()
    with console.office.engine.begin() as connection:
        for number in range(COUNT):
            name = f"person-{number}" if number else "alice"
            given = draw_up(controller, NewConsent(name, COLLECTION, PURPOSE, notice, 365), time.time() - number)
            row = {
                "receipt": given.receipt_id,
                "organization": caller.organization,
                "collection": COLLECTION,
                "subject": name,
                "purpose": PURPOSE,
                "given_at": given.given.timestamp(),
                "expires_at": given.expires.timestamp(),
                "settled": False,
                "consent": given.text,
                "proof": told,
            }
            insert_sealed(connection, tables.consents, row)


def _waiting(console: Console, caller: Caller) -> None:
    """Candidates, of which the first and the last that a page shows have a picture that can be opened."""
    gallery, now = console.house.holdings.gallery, time.time()
    with console.office.engine.begin() as connection:
        for number in range(COUNT):
            search = Search(caller.organization, COLLECTION, Probe(secrets.token_bytes(32)))
            match = Match(f"external/person-{number}", secrets.token_hex(16), 99.0)
            row = row_of(search, match, PURPOSE, now - COUNT / 10 + number / 10)
            row |= {"asked_by": caller.access_key_id, "state": PENDING, "expires_at": now + HOURS * 3600}
            row["probe_picture"] = bytes(_CROP_BYTES)
            if not 10 <= number < COUNT - 10:
                key = gallery.house_key(key_of(row["id"]), make=True)
                assert key is not None
                row["probe_picture"] = key.seal(bytes(_CROP_BYTES), row["id"].encode())
            insert_sealed(connection, tables.candidates, row)


def _told(console: Console, caller: Caller) -> None:
    """Sealed details of searches: of one person as many as one reads, and of others."""
    payloads, now = console.office.logbook.payloads, time.time()
    for start in range(0, COUNT, AT_ONCE):
        parts = []
        for number in range(start, start + AT_ONCE):
            details = {
                "operation": "SearchFacesByImage",
                "request_id": f"request-{number}",
                "collection": COLLECTION,
                "purpose": PURPOSE,
                "similarity": "99.0000",
                "probe": "ab" * 32,
            }
            whose = f"{COLLECTION}/{ALICE}" if number < SEARCHES else ""
            parts.append(payloads.seal(Part(caller.organization, details, whose)))
        payloads.keep(parts, now)


def _entered(console: Console) -> None:
    """Entries as the service makes them, again and again."""
    caller = _caller(console)
    for _ in range(20):
        _answered(console, caller, "ListCollections")
    _, log = console.office.logbook.shards.current()
    size = log.publish().checkpoint.size
    there = [log.entry(index) for index in range(size - 20, size)]
    for _ in range(COUNT // AT_ONCE):
        log.submit(there * (AT_ONCE // len(there))).result()
    log.publish()


def _labelled(console: Console, caller: Caller) -> None:
    """A project with as many lines as there may be, of which some name alice, and a version of as many labels."""
    _answered(console, caller, "CreateProject", ProjectName="parts")
    workshop, gallery, names = console.house.holdings.workshop, console.house.holdings.gallery, many(LABELS)["two"]
    with gallery.writing() as connection:
        project = workshop.projects.named(connection, caller.organization, "parts")
        assert project is not None
        dataset = workshop.custom.datasets.create(connection, project, "TRAIN", {})
        version = workshop.versions.create(connection, project, "many", State.TRAINING, {}, {})
        model = ModelFile(b"", b"", {**_summed(names), **_tested(names).file()})
        keep_model(connection, workshop.versions, version.id, model)
        workshop.versions.end(connection, version.id, True, {"StatusMessage": "Trained."}, model.digest)
    for start in range(0, LINES, AT_ONCE):
        lines = [judge(_line(number), Feature.CUSTOM_LABELS) for number in range(start, start + AT_ONCE)]
        with gallery.writing() as connection:
            workshop.custom.entries.write(connection, dataset, lines, replace=False)


def _line(number: int) -> bytes:
    """A line with one of fifty labels; one in a hundred names somebody of 25."""
    told = line(f"parts/{number}.png", f"a label, {number % 50}")
    whose = number // 100 % 25
    return msgspec.json.encode(
        told | {"regard-people": ["alice" if not whose else f"person-{whose}"]} if number % 100 == 0 else told
    )


def _summed(results: Results) -> dict[str, bytes]:
    labels = [
        Scored(each.name, each.threshold, each.f1, each.precision, each.recall, each.n) for each in results.labels
    ]
    more = {
        "Labels": [],
        "F1ScoreInterval": [results.interval.low, results.interval.high],
        "CrossValidatedF1Score": results.cross_validated,
        "FalseLabelsOnUnrelatedImages": results.false_labels,
        "LearningCurve": [{"Images": each.pictures, "F1Score": each.f1} for each in results.curve],
        "F1ScoreWith50MoreImages": results.with_more,
    }
    return {SUMMARY: evaluation_summary("", 0.0, (results.trained, len(results.pictures)), labels, {}, more, {})}


def _tested(results: Results) -> Tested:
    return Tested(
        tuple(Asked(each.path, each.digest, tuple(each.shows), tuple(each.scores)) for each in results.pictures)
    )


def _answered(console: Console, caller: Caller, name: str, **parameters: object) -> None:
    call = Call(caller, answered()[name], parameters, "us-east-1", secrets.token_hex(8), loopback=True)
    console.house.service.answer(call)


def _month() -> str:
    return time.strftime("%Y-%m", time.gmtime())
