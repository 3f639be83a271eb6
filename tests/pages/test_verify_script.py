"""The script that verifies logs says what `regard log verify` says, in a browser and under node."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from regard.ledger.log.served import Served, copy
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.notes import Kind, Note, Signer, Verifier, sign_note
from regard.ledger.tree.proof import verify_receipt
from regard.ledger.tree.tiles import ENTRIES, Tile, bundle, split_bundle
from regard.ledger.witnesses.audit import from_folder
from regard.ledger.witnesses.series import Broken, Quorum, audit_series
from tests.helpers.browser import CHROMIUM, open_browser
from tests.helpers.ledger.served_log import LAST, NAME, NOW, Book, opened, two_months
from tests.helpers.ledger.verifying import Ask, encoded, told_of, under_node, within

WITNESS = Signer.generate("witness.example/w", Kind.COSIGNATURE)
SCRIPTS = Path(__file__).parents[2] / "src" / "regard" / "pages" / "static"
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """The script in a browser; where there is none, under node."""
    if CHROMIUM.exists():
        with open_browser() as browser, within(browser) as asked:
            yield asked
    else:
        yield under_node


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with two_months(tmp_path_factory.mktemp("log")) as book:
        yield book


@pytest.fixture
def files(book: Book, tmp_path: Path) -> Path:
    return copied(book, tmp_path / "copy")


def copied(book: Book, to: Path) -> Path:
    copy(book.served.fetch, book.served.periods(), to, lambda *_: None)
    return to


def cosigned(book: Book, folder: Path, period: str, name: str = "checkpoint") -> None:
    """Put the witness's signature under the checkpoint of a copy."""
    note = Note.parse((folder / period / "checkpoint").read_bytes())
    (folder / period / name).write_bytes(Note(note.text, (*note.signatures, WITNESS.sign(note.text, 1))).encode())


def signed(book: Book, period: str, size: int, root: bytes) -> bytes:
    """A checkpoint that the log's own key signs, whatever it says."""
    origin = f"{NAME}/{period}"
    return sign_note(Checkpoint(origin, size, root).text, [book.signer.renamed(origin)])


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def checkpoint_of(folder: Path, period: str = NOW) -> Checkpoint:
    return Checkpoint.parse(Note.parse((folder / period / "checkpoint").read_bytes()).text)


@pytest.mark.long
def test_a_log_is_verified_and_its_checkpoints_are_kept(ask: Ask, book: Book, files: Path) -> None:
    told = ask("log", **told_of(book, files))
    notes = {period: (files / period / "checkpoint").read_text() for period in (LAST, NOW)}
    assert told == {"kind": "verified", "notes": notes}


def test_it_says_the_same_under_node(book: Book, files: Path) -> None:
    assert under_node("log", **told_of(book, files))["kind"] == "verified"
    flip(files / NOW / "tile/0/000", 1)
    assert under_node("log", **told_of(book, files))["kind"] == "damaged"
    assert under_node("receipt", key=book.key, proof=encoded(book.served.receipt(NOW, 7)))["index"] == 7


def test_one_month_is_verified_with_its_link_to_the_one_before(ask: Ask, book: Book, files: Path) -> None:
    flip(files / LAST / "tile/0/000.p/4", 7)
    told = ask("log", **told_of(book, files, only=NOW))
    assert (told["kind"], list(told["notes"])) == ("verified", [NOW])
    assert ask("log", **told_of(book, files, only=LAST))["kind"] == "damaged"


@pytest.mark.long
def test_every_byte_that_is_changed_in_a_small_log_is_noticed(ask: Ask, tmp_path: Path) -> None:
    with opened(tmp_path / "log") as book:
        book.period = LAST
        book.call(times=1)
        book.period = NOW
        book.call(times=6)
        folder = copied(book, tmp_path / "copy")
        for period in (LAST, NOW):
            cosigned(book, folder, period)
        head = Note.parse((folder / NOW / "checkpoint").read_bytes())
        proof = book.served.receipt(NOW, 5).partition(b"\n\n")[0] + b"\n\n" + head.encode()
        asked = {"proof": encoded(proof), "witnesses": str(WITNESS.verifier), "least": 1}
        told = ask("flips", **told_of(book, folder, **asked))
    assert told["unnoticed"] == []
    changed = [path for path in folder.rglob("*") if path.is_file() and path.name != "periods"]
    assert told["count"] == sum(path.stat().st_size for path in changed) + len(proof)
    kinds = {path: set(found) for path, found in told["kinds"].items()}
    # With another letter in its name, a signature is nobody's.
    for period in (LAST, NOW):
        assert kinds.pop(f"{period}/checkpoint") == {"forged", "unwitnessed"}
    assert kinds.pop("receipt") == {"forged", "unwitnessed", "no-receipt", "unproven"}
    assert set().union(*kinds.values()) == {"damaged"}


@pytest.mark.parametrize("path", ["0/000", "0/001.p/44", "1/000.p/1", "entries/000", "entries/001.p/44"])
def test_a_changed_tile_or_entry_is_told_by_its_name(ask: Ask, book: Book, files: Path, path: str) -> None:
    flip(files / NOW / "tile" / path, 20)
    told = ask("log", **told_of(book, files))
    what = "entry" if "entries" in path else "node"
    assert (told["kind"], told["what"]) == ("damaged", what)
    number = 256 if "001" in path else 0
    assert f"{what} {number} was changed" in told["text"]


def test_a_partial_tile_that_gave_way_to_the_full_one_is_read_there(ask: Ask, book: Book, files: Path) -> None:
    part = files / NOW / "tile/0/001.p/44"
    (files / NOW / "tile/0/001").write_bytes(part.read_bytes() + bytes(212 * 32))
    part.unlink()
    assert ask("log", **told_of(book, files))["kind"] == "verified"


def test_tiles_are_looked_for_where_they_lie(ask: Ask) -> None:
    numbers = [0, 999, 1000, 1234067, 1234567890]
    paths = [f"{NOW}/{Tile(ENTRIES, number).path}" for number in numbers]
    assert ask("paths", numbers=numbers, width=256)["paths"] == paths


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/001.p/44", "checkpoint"])
def test_a_file_that_is_not_there_is_missing(ask: Ask, book: Book, files: Path, path: str) -> None:
    (files / NOW / path).unlink()
    told = ask("log", **told_of(book, files))
    assert told["kind"] == "missing"
    assert path.partition(".")[0] in told["text"]


def test_a_month_that_is_left_out_is_missed_by_the_next_or_by_who_saw_it(ask: Ask, book: Book, files: Path) -> None:
    before = ask("log", **told_of(book, files))["notes"]
    (files / "periods").write_text(json.dumps([NOW]))
    assert ask("log", **told_of(book, files))["kind"] == "unlinked"
    told = ask("log", **told_of(book, files, before=before))
    assert (told["kind"], told["notes"]) == ("missing", [before[LAST]])


def test_a_closed_month_that_was_made_anew_is_unlinked(ask: Ask, book: Book, files: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "other", book.signer) as other:
        other.period = LAST
        other.call(times=2)
        copied(other, tmp_path / "made")
    shutil.rmtree(files / LAST)
    shutil.copytree(tmp_path / "made" / LAST, files / LAST)
    assert ask("log", **told_of(book, files))["kind"] == "unlinked"


def edited(folder: Path, pattern: str, replacement: str) -> None:
    note = (folder / NOW / "checkpoint").read_text()
    changed = re.sub(pattern, replacement, note, count=1)
    assert changed != note
    (folder / NOW / "checkpoint").write_text(changed)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("signature", lambda folder: edited(folder, r"\n300\n", "\n299\n")),
        ("signature", lambda folder: edited(folder, r"(?m)^— .* .....", r"\g<0>A")),
        ("month", lambda folder: shutil.copy(folder / LAST / "checkpoint", folder / NOW / "checkpoint")),
        ("key", lambda folder: edited(folder, r"log\.example", "log.other")),
        ("checkpoint", lambda folder: edited(folder, r"\n300\n", "\n0300\n")),
    ],
)
def test_an_edited_checkpoint_is_forged(ask: Ask, book: Book, files: Path, what: str, change: Change) -> None:
    change(files)
    told = ask("log", **told_of(book, files))
    assert (told["kind"], told["what"]) == ("forged", what)


def test_a_log_of_another_key_is_forged_and_a_key_with_another_letter_is_none(
    ask: Ask, book: Book, files: Path
) -> None:
    other = str(Signer.generate(NAME).verifier)
    told = ask("log", **told_of(book, files) | {"key": other})
    assert (told["kind"], told["what"]) == ("forged", "key")
    for key in (book.key[:-2] + ("A" if book.key[-2] != "A" else "B") + book.key[-1], "", str(WITNESS.verifier)):
        assert ask("log", **told_of(book, files) | {"key": key})["kind"] == "key"


def test_a_log_whose_key_is_replaced_is_verified_by_either_key(ask: Ask, book: Book, files: Path) -> None:
    keys = f"{Signer.generate(NAME).verifier}\n{book.signer.renamed(f'{NAME}/{NOW}').verifier}\n"
    assert ask("log", **told_of(book, files) | {"key": keys})["kind"] == "verified"


def test_what_was_verified_before_must_still_be_there(ask: Ask, tmp_path: Path) -> None:
    with opened(tmp_path / "log") as book:
        book.call(times=299)
        early = ask("log", **told_of(book, copied(book, tmp_path / "early")))["notes"]
        book.call(times=10)
        late = ask("log", **told_of(book, copied(book, tmp_path / "late"), before=early))
    assert late["kind"] == "verified"
    told = ask("log", **told_of(book, tmp_path / "early", before=late["notes"]))
    assert (told["kind"], told["notes"]) == ("rollback", [late["notes"][NOW], early[NOW]])
    with opened(tmp_path / "other", book.signer) as other:
        other.call(times=1, operation="DetectLabels")
        other.call(times=298)
        told = ask("log", **told_of(other, copied(other, tmp_path / "same"), before=early))
        assert (told["kind"], told["notes"][0]) == ("split-view", early[NOW])
        other.call(times=50)
        told = ask("log", **told_of(other, copied(other, tmp_path / "longer"), before=early))
        assert (told["kind"], told["notes"][0]) == ("rewritten", early[NOW])


def test_a_root_that_the_log_signed_and_its_entries_have_not_is_wrong(ask: Ask, book: Book, files: Path) -> None:
    (files / NOW / "checkpoint").write_bytes(signed(book, NOW, 300, bytes(32)))
    assert ask("log", **told_of(book, files))["kind"] == "wrong-root"


def test_witnesses_must_have_cosigned_this_history(ask: Ask, book: Book, files: Path) -> None:
    asked = {"witnesses": str(WITNESS.verifier), "least": 1}
    assert ask("log", **told_of(book, files, **asked))["kind"] == "unwitnessed"
    cosigned(book, files, LAST)
    cosigned(book, files, NOW, "cosigned")
    assert ask("log", **told_of(book, files, **asked))["kind"] == "verified"
    other = Note.parse(signed(book, NOW, 299, bytes(32)))
    (files / NOW / "cosigned").write_bytes(Note(other.text, (*other.signatures, WITNESS.sign(other.text, 1))).encode())
    assert ask("log", **told_of(book, files, **asked))["kind"] == "rewritten"


def test_a_bundle_that_ends_within_an_entry_or_has_too_few_is_damaged(ask: Ask, book: Book, files: Path) -> None:
    path = files / NOW / "tile/entries/001.p/44"
    entries = split_bundle(path.read_bytes())
    for data in (path.read_bytes()[:-1], bundle(entries[:-1])):
        path.write_bytes(data)
        told = ask("log", **told_of(book, files))
        assert (told["kind"], told["what"]) == ("damaged", "entry")


@pytest.mark.parametrize("index", [0, 5, 255, 256, 299])
def test_a_receipt_is_verified_as_python_does(ask: Ask, book: Book, index: int) -> None:
    data = book.served.receipt(NOW, index)
    receipt, checkpoint = verify_receipt(data, [book.signer.renamed(f"{NAME}/{NOW}").verifier])
    told = ask("receipt", key=book.key, proof=encoded(data), asked=f"{NOW}/{index}")
    assert told == {"kind": "verified", "index": index, "size": checkpoint.size, "entry": receipt.entry.decode()}


def test_a_changed_receipt_is_told_by_what_is_wrong(ask: Ask, book: Book) -> None:
    data = book.served.receipt(NOW, 7)
    lines = data.split(b"\n")
    assert lines[2] == b"index 7"

    def wrong(changed: bytes, **more: Any) -> tuple[str, str]:
        told = ask("receipt", key=book.key, proof=encoded(changed), **more)
        return told["kind"], told["what"]

    assert wrong(b"\n".join([*lines[:2], b"index 6", *lines[3:]])) == ("unproven", "entry")
    assert wrong(b"\n".join([*lines[:2], b"index 300", *lines[3:]])) == ("unproven", "index")
    assert wrong(b"\n".join([*lines[:3], *lines[4:]])) == ("unproven", "node")
    assert wrong(b"\n".join([*lines[:3], lines[4], lines[3], *lines[5:]])) == ("unproven", "entry")
    assert wrong(data.replace(b"index 7", b"index 07")) == ("no-receipt", "receipt")
    assert wrong(data.replace(b"\n300\n", b"\n301\n")) == ("forged", "signature")
    assert wrong(data, asked=f"{NOW}/8") == ("no-receipt", "index")
    assert wrong(data, asked=f"{LAST}/7") == ("no-receipt", "month")
    assert wrong(data, witnesses=str(WITNESS.verifier), least=1) == ("unwitnessed", "signature")


CHANGES: dict[str, Change] = {
    "nothing": lambda folder: None,
    "a node": lambda folder: flip(folder / NOW / "tile/0/000", 1),
    "a node higher up": lambda folder: flip(folder / NOW / "tile/1/000.p/1", 1),
    "an entry": lambda folder: flip(folder / NOW / "tile/entries/000", 9),
    "the size": lambda folder: edited(folder, r"\n300\n", "\n299\n"),
    "a file that is gone": lambda folder: (folder / NOW / "tile/0/000").unlink(),
    "a month that is gone": lambda folder: shutil.rmtree(folder / LAST),
}


@pytest.mark.parametrize("what", CHANGES)
def test_it_says_the_kind_that_the_command_says(ask: Ask, book: Book, files: Path, what: str) -> None:
    CHANGES[what](files)
    (files / "periods").write_text(json.dumps(Served(files).periods()))
    try:
        audit_series(from_folder(files), [Verifier.parse(book.key)], {}, quorum=Quorum())
        kind = "verified"
    except Broken as broken:
        kind = broken.kind
    assert ask("log", **told_of(book, files))["kind"] == kind


def test_our_scripts_are_few_and_small() -> None:
    sizes = {path.name: (len(path.read_text().splitlines()), path.stat().st_size) for path in SCRIPTS.glob("*.mjs")}
    # What speaks AWS's event stream has bounds of its own, and no page loads it with another.
    lines, size = sizes.pop("liveness.mjs")
    assert lines <= 300
    assert size <= 14 * 1024
    assert sum(lines for lines, _ in sizes.values()) <= 400
    assert sum(size for _, size in sizes.values()) <= 20 * 1024
