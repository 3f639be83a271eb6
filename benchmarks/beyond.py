"""Labels, text, moderation, equipment and public figures over HTTP beside their models; DetectText beside rapidocr."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rapidocr import EngineType, RapidOCR

from benchmarks.measuring import markdown, seconds
from benchmarks.model_files import model_file
from benchmarks.pictures import full_hd, small
from benchmarks.serving import asking, opened
from regard.gallery.figures import COLLECTION
from regard.operations.common.registry import function_of
from regard.vision.things.text import MODELS
from tests.helpers.running import running

OPERATIONS = (
    "DetectLabels",
    "DetectModerationLabels",
    "DetectProtectiveEquipment",
    "RecognizeCelebrities",
    "DetectText",
)
# A row takes as many rounds as both of these: fifteen of the fastest are over before a noisy neighbour is.
ROUNDS, SECONDS, LINES = 15, 12, 24


def run() -> str:
    """The sections of docs/benchmarks.md."""
    spent: list[float] = []
    page = _page()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        # The service inherits its core from here, and so knows that it has one.
        os.sched_setaffinity(0, {1})
        with running(data) as first:
            known = first.environment
        _enrol(data)
        with running(data, known) as service:
            os.sched_setaffinity(0, {0})
            inside, call = opened(data / "in-process", lambda _, taken: spent.append(taken))
            _enrol(data / "in-process")
            rows = []
            for operation in OPERATIONS:
                pictures = {"a page": page} if operation == "DetectText" else {"250×250": small(1)[0], "HD": full_hd()}
                for name, picture in pictures.items():
                    # Loading models takes longer than the service keeps an idle connection.
                    inside.answer(call(operation, picture))
                    ask = asking(service, known, operation, picture)

                    def look(operation: str = operation, picture: bytes = picture) -> None:
                        asked = call(operation, picture)
                        asked.parameters["CollectionId"] = COLLECTION
                        function_of(operation)(asked, inside.rooms)

                    rows.append((f"{operation}, {name}", *_share(ask, look, spent)))
    ours, peer, share = _beside(lambda: inside.answer(call("DetectText", page)), _rapidocr(page))
    return "\n\n".join(
        (
            markdown(
                "Beyond faces, over HTTP",
                ("operation", "over HTTP", "looking alone", "inferences alone", "share of the server", "all but these"),
                rows,
                f"One client on one core, the server on another; medians of {ROUNDS} rounds or more in which both "
                "take turns. Looking is the operation's own work, in process: decoding, preparing pixels, the models "
                "and reading them. The server is the rest: HTTP, signature, gate and log. The last column is what is "
                "no inference at all. One public figure is enrolled, whom the smaller picture shows. "
                "`python -m benchmarks beyond`",
            ),
            markdown(
                "DetectText beside rapidocr",
                ("DetectText, in process", "rapidocr, called directly", "ours beside it"),
                [(ours, peer, share)],
                f"A page of {LINES} lines, from the file's bytes on, the same weights in OpenVINO, one core. Ours "
                "passes the gate and the log.",
            ),
        )
    )


def _enrol(data: Path) -> None:
    """Have somebody known: with nobody, faces are found but not compared."""
    (data / "figure.jpg").write_bytes(small(1)[0])
    (data / "figures.csv").write_text("name,picture,basis\nsomebody,figure.jpg,a benchmark\n")
    command = (sys.executable, "-m", "regard.cli", "figures", "import", str(data))
    subprocess.run(command, env=os.environ | {"REGARD_DATA_DIR": str(data)}, check=True, stdout=sys.stderr)


def _share(ask: Callable[[], object], look: Callable[[], object], spent: list[float]) -> tuple[str, ...]:
    ask(), look()
    rounds: list[tuple[float, float, float]] = []
    while len(rounds) < ROUNDS or sum(whole for whole, _, _ in rounds) < SECONDS:
        whole = seconds(ask)
        spent.clear()
        rounds.append((whole, seconds(look), sum(spent)))
    shares = [median(1 - each[place] / each[0] for each in rounds) for place in (1, 2)]
    taken = (median(each) * 1e3 for each in zip(*rounds, strict=True))
    return *(f"{each:.1f} ms" for each in taken), *(f"{share:.1%}" for share in shares)


def _beside(ours: Callable[[], object], peer: Callable[[], object]) -> tuple[str, str, str]:
    ours(), peer()
    pairs = [(seconds(ours), seconds(peer)) for _ in range(ROUNDS)]
    mine, theirs = (median(each) * 1e3 for each in zip(*pairs, strict=True))
    return f"{mine:.0f} ms", f"{theirs:.0f} ms", f"{median(one / other for one, other in pairs):.2f}×"


def _rapidocr(page: bytes) -> Callable[[], object]:
    """The library as its documents say, with our weights, on one thread as ours."""
    given: dict[str, object] = {"Global.log_level": "error", "Global.return_word_box": True}
    given |= {"EngineConfig.openvino.inference_num_threads": 1, "EngineConfig.openvino.num_streams": 1}
    for step, name in MODELS.items():
        given[f"{step.capitalize()}.model_path"] = model_file(name)
        given[f"{step.capitalize()}.engine_type"] = EngineType.OPENVINO
    read = RapidOCR(params=given)
    return lambda: read(np.asarray(cv2.imdecode(np.frombuffer(page, np.uint8), cv2.IMREAD_COLOR)))


def _page() -> bytes:
    """A JPEG file of a page of text."""
    page = Image.new("RGB", (1240, 60 * LINES + 80), "white")
    for number in range(LINES):
        text = f"{number + 1:02} what is read here was written by nobody, {number * 7919:06}"
        ImageDraw.Draw(page).text((60, 40 + 60 * number), text, "black", ImageFont.load_default(36))
    file = io.BytesIO()
    page.save(file, "JPEG", quality=90)
    return file.getvalue()
