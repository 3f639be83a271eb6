"""A log in shards, its public pages and its witnesses over HTTP, for the tests of what outsiders can do with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from regard.ledger.log.log import Log
from regard.ledger.log.served import Served
from regard.ledger.log.shards import Shards
from regard.ledger.tree.entries import canonical
from regard.ledger.tree.notes import Kind, Signer
from regard.ledger.witnesses.series import Keys
from regard.ledger.witnesses.witness import Witness
from regard.pages.ledger.log import log_pages
from regard.pages.ledger.witness import witness_pages
from regard.stewardship.records.pseudonyms import pseudonym
from tests.helpers.ledger.faults import QuickDisk

NAME = "log.example"
LAST, NOW = "2026-10", "2026-11"
SECRET = bytes(range(32))


class Book:
    """A log that a test writes calls into; `period` is the month that it is."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self.period = "2026-11"
        self.folder = folder
        self.signer = signer
        self.served = Served(folder)
        self.shards = Shards(folder, NAME, self._signers, lambda: self.period, self._open)
        self._sequences: dict[str, int] = {}

    @property
    def key(self) -> str:
        """The public key, as text."""
        return str(self.signer.verifier)

    def call(self, operation: str = "DetectFaces", times: int = 1, **more: object) -> list[tuple[str, int]]:
        """Log calls of the organization with SECRET, and publish them: their places."""
        entries = []
        for _ in range(times):
            self._sequences[self.period] = self._sequences.get(self.period, 0) + 1
            told = {
                "kind": "regard/call",
                "at": f"{self.period}-23T02:00Z",
                "operation": operation,
                "organization": pseudonym(SECRET, self.period),
                "purpose": "photo-library",
                "outcome": "answered",
                "sequence": self._sequences[self.period],
            }
            entries.append(canonical(told | more))
        period, log = self.shards.current()
        indexes = log.submit(entries).result()
        log.publish()
        return [(period, index) for index in indexes]

    def _signers(self, origin: str) -> Sequence[Signer]:
        return [self.signer.renamed(origin)]

    @staticmethod
    def _open(folder: Path, signers: Sequence[Signer]) -> Log:
        return Log(folder, signers, disk=QuickDisk(), publish_every=60)


@contextmanager
def opened(folder: Path, signer: Signer | None = None) -> Iterator[Book]:
    """A log below `folder` until the end of the block."""
    book = Book(folder, signer or Signer.generate(NAME))
    try:
        yield book
    finally:
        book.shards.close()


@contextmanager
def two_months(folder: Path) -> Iterator[Book]:
    """A log in a folder with two months: :data:`LAST`, a short one, and :data:`NOW`, of more than a tile."""
    with opened(folder) as book:
        for book.period, times in ((LAST, 3), (NOW, 299)):
            book.call(times=times)
        yield book


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The address of an application on a free port of this machine."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    pause = threading.Event()
    while not server.started:
        pause.wait(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serving_log(book: Book) -> Iterator[str]:
    """The address of the public pages of a log."""
    with serving(Starlette(routes=log_pages(book.served, lambda: [book.signer.verifier]))) as address:
        yield f"{address}/log"


@contextmanager
def serving_witness(folder: Path, log: Signer, name: str = "witness.example/w") -> Iterator[str]:
    """A witness of a log: its key and address, as the settings name it."""
    signer = Signer.generate(name, Kind.COSIGNATURE)
    witness = Witness(folder, signer, Keys([log.verifier]), QuickDisk())
    with serving(witness_pages(witness.add_checkpoint, signer.verifier, [NAME])) as address:
        yield f"{signer.verifier} {address}"
