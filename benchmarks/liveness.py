"""Who passes as live: rendered sessions of people and of five attacks, by kind.

Not among the benchmarks that run by default: `python -m benchmarks liveness` takes half an hour of a core for all of
1,300 sessions. By itself, `python -m benchmarks.liveness`, it goes on with what a file has, takes fewer rounds of 26
sessions, and keeps the fit and the tables of docs/liveness.md:

    python -m benchmarks.liveness --rounds 50 --kept sessions.jsonl --keep
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import msgspec

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from regard.evaluation.document import as_markdown
from regard.evaluation.liveness.fitting import digest, fitted
from regard.evaluation.liveness.rates import blocks
from regard.evaluation.liveness.running import ROUNDS, measured
from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.liveness import fit as fits

PAGE = Path(__file__).parents[1] / "docs" / "liveness.md"
BEGIN, END = "<!-- liveness -->", "<!-- end of liveness -->"
FOLDER = SHARED / "synthetic_faces"
SHIPPED = Path(fits.__file__).with_name("fitted.json")


def run(rounds: int = ROUNDS, kept: Path | None = None, keep: bool = False) -> str:
    """The tables, and whether the fit is the one that ships."""
    if not FOLDER.is_dir():
        return markdown("Liveness", ("not measured",), [("the pictures are not on this machine",)])
    cv2.setNumThreads(1)
    finder = FaceAnalyzer.opened(from_environment(threads=1))
    seen = list(measured(FOLDER, finder, rounds, kept))
    fit = fitted(seen, finder.weights_used, digest(FOLDER))
    made = msgspec.json.format(msgspec.json.encode(fit, order="sorted"), indent=1) + b"\n"
    tables = as_markdown(blocks(seen, fit))
    if keep:
        SHIPPED.write_bytes(made)
        page = PAGE.read_text()
        PAGE.write_text(f"{page[: page.index(BEGIN)]}{BEGIN}\n{tables}{page[page.index(END) :]}")
    same = SHIPPED.exists() and SHIPPED.read_bytes() == made
    told = "The fit is the one that ships, byte for byte." if same else "The fit is another than the one that ships."
    return f"{tables}\n{told}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.liveness", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--kept", type=Path, help="a file of sessions measured before, which grows")
    parser.add_argument("--keep", action="store_true", help="write the fit that ships, and the page's tables")
    print(run(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
