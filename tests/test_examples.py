"""The examples do what they say; the outsider's script, which shares no line with the ledger, agrees with it."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from regard.ledger.tree.merkle import inclusion_proof
from regard.ledger.tree.notes import Signer
from regard.ledger.tree.tiles import TileNodes, Tree
from regard.pages.ledger.log import log_pages
from tests.helpers.ledger.served_log import Book, opened, serving, serving_log

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPT = EXAMPLES / "outsider.py"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with opened(tmp_path_factory.mktemp("log")) as book:
        book.call("DetectFaces", 290)
        book.call("CompareFaces", 12)
        yield book


@pytest.fixture
def receipt(book: Book, tmp_path: Path) -> Path:
    file = tmp_path / "77.tlog-proof"
    file.write_bytes(book.shards.receipt("2026-11", 77))
    return file


def run(*words: str) -> subprocess.CompletedProcess[str]:
    # Without our packages' folder: the script must not need them.
    command = [sys.executable, "-I", str(SCRIPT), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_outsider_verifies_a_receipt(book: Book, receipt: Path) -> None:
    done = run("receipt", str(receipt), book.key)
    assert done.stdout.startswith('Entry 77 of the 303 in log.example/2026-11:\n{"at":"2026-11-23T02:00Z"'), done.stderr


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("index 77", "index 78", "not in the log"),
        ("index 77", "index 303", "has no entry 303"),
        ("\n303\n", "\n304\n", "signature is not on this checkpoint"),
        ("— log.example/2026-11 ", "— log.example/2026-12 ", "did not sign"),
    ],
)
def test_an_outsider_is_told_what_is_wrong_with_a_receipt(
    book: Book, receipt: Path, old: str, new: str, reason: str
) -> None:
    receipt.write_text(receipt.read_text().replace(old, new))
    done = run("receipt", str(receipt), book.key)
    assert (done.returncode, done.stdout) == (1, "")
    assert reason in done.stderr


def test_an_outsider_needs_the_log_s_own_key(book: Book, receipt: Path) -> None:
    assert "did not sign" in run("receipt", str(receipt), str(Signer.generate("log.example").verifier)).stderr
    assert "no Ed25519 verifier key" in run("receipt", str(receipt), book.key.replace("+", "+0", 1)).stderr


def test_an_outsider_counts_the_calls_of_a_period(book: Book) -> None:
    with serving_log(book) as address:
        done = run("count", address, "2026-11", book.key)
    assert done.stdout.splitlines() == [
        "log.example/2026-11: 303 entries, all signed for. Calls by operation, as the report of the period has them:",
        "      12 CompareFaces",
        "     290 DetectFaces",
    ], done.stderr


def test_an_outsider_notices_an_edited_entry(tmp_path: Path) -> None:
    with opened(tmp_path / "log") as book, serving_log(book) as address:
        book.call("SearchFacesByImage", 3)
        bundle = tmp_path / "log/2026-11/public/tile/entries/000.p/4"
        bundle.write_bytes(bundle.read_bytes().replace(b"SearchFacesByImage", b"DetectModerateLabe"))
        done = run("count", address, "2026-11", book.key)
    assert (done.returncode, done.stdout) == (1, "")
    assert "not those that were signed" in done.stderr


def test_the_script_s_hashing_agrees_with_every_proof_of_small_trees() -> None:
    script = runpy.run_path(str(SCRIPT))
    leaf, root_of, root_of_all = script["leaf"], script["root_of"], script["root_of_all"]
    files: dict[str, bytes] = {}
    tree = Tree()
    for size in range(1, 70):
        files |= {tile.path: data for tile, data in [*tree.add(b"%d" % (size - 1)), *tree.begun()]}
        nodes = TileNodes(size, files.__getitem__)
        assert root_of_all([leaf(b"%d" % index) for index in range(size)]) == tree.root
        for index in range(size):
            proof = inclusion_proof(index, size, nodes)
            assert root_of(leaf(b"%d" % index), index, size, proof) == tree.root
            if proof:
                with pytest.raises(SystemExit):
                    root_of(leaf(b"%d" % index), index, size, proof[:-1])


def test_the_script_reads_bundles_where_they_lie() -> None:
    script = runpy.run_path(str(SCRIPT))
    read = script["read_entries"]
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        return b"\0\1a" * 256

    read.__globals__["fetch"] = fetch
    assert sum(1 for _ in read("log", 256 * 1002 + 3)) == 256 * 1002 + 3
    assert [asked[0], asked[999], asked[1000], asked[-1]] == [
        f"log/tile/entries/{place}" for place in ("000", "999", "x001/000", "x001/002.p/3")
    ]


def test_receipts_of_a_client_s_calls_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path / "log") as book:

        def answer(request: Request) -> Response:
            operation = request.headers["x-amz-target"].partition(".")[2]
            ((period, index),) = book.call(operation)
            named = {
                "x-regard-entry": f"{period}/{index}",
                "x-regard-receipt": f"/log/{period}/receipts/{index}",
                "x-regard-sequence": str(index),
            }
            refused = {"__type": "AccessDeniedException", "Message": "no"}
            return JSONResponse({"FaceDetails": []}, 200, named) if index < 3 else JSONResponse(refused, 400, named)

        routes = [Route("/", answer, methods=["POST"]), *log_pages(book.served, lambda: [book.signer.verifier])]
        with serving(Starlette(routes=routes)) as address:
            client = boto3.session.Session("AKIAEXAMPLE", "secret", region_name="us-east-1").client(
                "rekognition", endpoint_url=address
            )
            keep = runpy.run_path(str(EXAMPLES / "keep_receipts.py"))["Receipts"](str(tmp_path / "kept"))
            with keep.of(client):
                for _ in range(2):
                    client.detect_faces(Image={"Bytes": b"a"})
                with pytest.raises(client.exceptions.AccessDeniedException):
                    client.detect_faces(Image={"Bytes": b"a"})
            client.close()
        kept = tmp_path / "kept"
        assert len((kept / "calls.jsonl").read_text().splitlines()) == 3
        assert sorted(path.name for path in kept.glob("*.tlog-proof")) == [
            f"2026-11-{index}.tlog-proof" for index in (1, 2, 3)
        ]
        own = run("receipt", str(kept / "2026-11-3.tlog-proof"), book.key)
        assert own.returncode == 0, own.stderr
