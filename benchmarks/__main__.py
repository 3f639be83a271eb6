"""Run the benchmarks named, or all, and print their tables; `--write` keeps them in docs/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib
import os
import re
from pathlib import Path

from benchmarks.measuring import machine

# Those that run for a time that may be said.
LASTING = ("streaming",)
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
NAMES = (
    "pipeline",
    "instances",
    "serving",
    "indexing",
    "search",
    "vectors",
    "templates",
    "policy",
    "ledger",
    "pages",
    "logging",
    "beyond",
    "load",
    "filming",
    "beside",
    "streaming",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--write", action="store_true", help=f"keep what was measured in {PAGE.name}")
    parser.add_argument(
        "--minutes", type=float, help=f"for how long to measure {', '.join(LASTING)}, where not for as long as its bar"
    )
    chosen = parser.parse_args()
    measured_on = machine()
    cores = os.sched_getaffinity(0)
    for name in chosen.names or NAMES:
        # The one before may have kept to a core of its own.
        os.sched_setaffinity(0, cores)
        lasting = {"minutes": chosen.minutes} if name in LASTING and chosen.minutes else {}
        section = f"{importlib.import_module(f'benchmarks.{name}').run(**lasting)}\n\n{measured_on}"
        print(section, "\n")
        if chosen.write:
            _keep(name, section)


def _keep(name: str, section: str) -> None:
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    block = f"{begin}\n{section}\n{end}"
    page = PAGE.read_text()
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: block, page) if pattern.search(page) else f"{page}\n{block}\n")


if __name__ == "__main__":
    main()
