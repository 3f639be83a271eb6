"""Durable appends to the log, beside a bare loop that writes and syncs the same bytes in the same groups."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.measuring import markdown, seconds
from regard.ledger.log.disk import Disk
from regard.ledger.log.log import Log
from regard.ledger.tree.notes import Signer

ENTRY = b"\0" * 400
ROUNDS = 5
CLIENTS = {1: 1_000, 4: 500, 32: 300}


class Counting(Disk):
    """Keeps how many bytes each sync of the journal made durable."""

    def __init__(self) -> None:
        self.groups: list[int] = []

    def append(self, file: int, data: bytes) -> None:
        super().append(file, data)
        if data.endswith(b"=\n") and ENTRY in data:
            self.groups.append(len(data))


def run() -> str:
    rows = []
    for clients, each in CLIENTS.items():
        rounds = [_round(clients, each) for _ in range(ROUNDS)]
        ours, bare, group = (median(column) for column in zip(*rounds, strict=True))
        ratio = median(mine / alone for mine, alone, _ in rounds)
        rows.append((f"{clients}", f"{group:.1f}", f"{ours:,.0f}", f"{bare:,.0f}", f"{ratio:.2f}"))
    return markdown(
        "Durable appends to the log",
        ("clients", "entries a group", "entries/s", "bare write and fdatasync, same groups", "ratio"),
        rows,
        f"Entries of {len(ENTRY)} bytes, each durable and under a signed checkpoint when `append` returns. "
        "Tiles are published once a second meanwhile. "
        f"Medians of {ROUNDS} rounds; the ratio is taken within a round.",
    )


def _round(clients: int, each: int) -> tuple[float, float, float]:
    # The checkout's own disk: the system's temporary folder may be memory.
    with TemporaryDirectory(dir=".", prefix=".ledger-") as folder:
        disk = Counting()
        with Log(Path(folder) / "log", [Signer.generate("log.example/bench")], disk=disk) as log:
            taken = seconds(lambda: _append(log, clients, each))
        bare = seconds(lambda: _write(Path(folder) / "bare", disk.groups))
    entries = clients * each
    return entries / taken, entries / bare, entries / len(disk.groups)


def _append(log: Log, clients: int, each: int) -> None:
    def call() -> None:
        for _ in range(each):
            log.append(ENTRY)

    callers = [threading.Thread(target=call) for _ in range(clients)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()


def _write(path: Path, groups: Sequence[int]) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for size in groups:
        os.write(file, bytes(size))
        os.fdatasync(file)
    os.close(file)
