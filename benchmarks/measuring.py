"""Timing on a shared, noisy machine: contestants take turns, and only medians are told."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from llvmlite.binding import get_host_cpu_name

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """How long one call takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(works: dict[str, Work], rounds: int = 30) -> dict[str, float]:
    """The median seconds of each work. Works take turns, so that a slow minute hits all of them alike."""
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(seconds(work))
    return {name: median(taken) for name, taken in times.items()}


def ratios(peer: Work, ours: Work, rounds: int = 30) -> float:
    """How many times faster than the peer we are: the median, over the rounds, of the ratio within a round."""
    peer(), ours()
    return median(seconds(peer) / seconds(ours) for _ in range(rounds))


def markdown(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *notes: str) -> str:
    """A section of docs/benchmarks.md."""
    lines = [f"## {title}", "", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, *(part for note in notes for part in ("", note))])


def machine() -> str:
    """One line that says where it was measured."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
    # On shared machines the system's name for a processor tells its maker at best; LLVM's tells which one it is.
    name = f"{names[0] if names else platform.machine()} ({get_host_cpu_name()})"
    return f"Measured on {len(os.sched_getaffinity(0))} cores of {name}."


def resident_mib(pid: int) -> float:
    """The resident memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))
