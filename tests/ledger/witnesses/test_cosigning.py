"""The log asks its witnesses, keeps what a quorum signed, and says who is away and who objects."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from regard.ledger.tree.checkpoints import Checkpoint, open_checkpoint
from regard.ledger.tree.notes import Kind, NoteError, Signer, open_note
from regard.ledger.tree.proof import verify_receipt
from regard.ledger.witnesses.cosigning import Asked, Collector
from regard.ledger.witnesses.series import Keys
from regard.ledger.witnesses.witness import Answer, Witness
from tests.helpers.ledger.faults import QuickDisk
from tests.helpers.ledger.served_log import NAME, Book, opened

PERIOD = "2026-11"


class Away:
    """A witness that can be sent away, made to hang, and made to answer anything."""

    def __init__(self, folder: Path, book: Book, name: str) -> None:
        self.signer = Signer.generate(name, Kind.COSIGNATURE)
        self.witness = Witness(folder / name.replace("/", "-"), self.signer, Keys([book.signer.verifier]), QuickDisk())
        self.away = False
        self.hangs: threading.Event | None = None
        self.says: Answer | None = None
        self.questions = 0

    @property
    def asked(self) -> Asked:
        return Asked(self.signer.verifier, self.answer)

    def answer(self, body: bytes) -> Answer:
        self.questions += 1
        if self.away:
            raise ConnectionRefusedError("nobody is at home")
        if self.hangs:
            self.hangs.wait(10)
        return self.says or self.witness.add_checkpoint(body)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with opened(tmp_path / "log") as book:
        book.call(times=3)
        yield book


@pytest.fixture
def three(book: Book, tmp_path: Path) -> list[Away]:
    return [Away(tmp_path, book, f"witness.example/{name}") for name in "abc"]


def collector(book: Book, three: list[Away], least: int = 2, every: float = 0.001) -> Collector:
    def stamp(period: str, lines: bytes) -> None:
        current, log = book.shards.current()
        if current == period:
            log.cosign(lines, [each.signer.verifier for each in three])

    return Collector(book.served, [each.asked for each in three], least, stamp=stamp, every=every, disk=QuickDisk())


def signed_by(note: bytes, three: list[Away]) -> set[str]:
    return {each.name[-1] for each in open_note(note, [each.signer.verifier for each in three]).signatures}


def cosigned(book: Book, period: str = PERIOD) -> Checkpoint:
    return open_checkpoint(
        book.served.note(period, "cosigned"), [book.signer.renamed(f"{NAME}/{period}").verifier], f"{NAME}/{period}"
    )


def test_all_witnesses_cosign_as_the_log_grows(book: Book, three: list[Away]) -> None:
    asking = collector(book, three)
    for _ in range(3):
        book.call()
        asking.round()
        assert signed_by(book.served.note(PERIOD, "cosigned"), three) >= {"a", "b"}
    assert cosigned(book).size == 7
    assert asking.trouble is None
    assert asking.unwitnessed_seconds == 0


def test_the_public_checkpoint_carries_the_cosignatures_while_it_stands(book: Book, three: list[Away]) -> None:
    collector(book, three).round()
    assert len(signed_by(book.served.note(PERIOD), three)) >= 2
    book.call()
    with pytest.raises(NoteError):
        signed_by(book.served.note(PERIOD), three)


def test_a_quorum_is_enough_and_less_is_not(book: Book, three: list[Away]) -> None:
    asking = collector(book, three)
    three[0].away = True
    asking.round()
    assert signed_by(book.served.note(PERIOD, "cosigned"), three) == {"b", "c"}
    three[1].away = True
    book.call()
    asking.round()
    # What the quorum signed last stays; the log goes on, and says for how long it has waited.
    assert cosigned(book).size == 4
    assert asking.unwitnessed_seconds > 0
    assert asking.trouble is None
    assert {each.key.name[-1]: each.trouble for each in asking.standings()} == {
        "a": "nobody is at home",
        "b": "nobody is at home",
        "c": None,
    }


def test_a_witness_that_comes_back_is_asked_again(book: Book, three: list[Away]) -> None:
    asking = collector(book, three)
    three[0].away = three[1].away = True
    asking.round()
    three[0].away = False
    threading.Event().wait(0.01)
    asking.round()
    assert cosigned(book).size == 4
    assert asking.unwitnessed_seconds == 0
    assert [each.trouble for each in asking.standings()] == [None, "nobody is at home", None]


def test_a_witness_that_fails_is_left_alone_for_longer_and_longer(book: Book, three: list[Away]) -> None:
    asking = collector(book, three, every=100)
    three[0].away = True
    for _ in range(5):
        book.call()
        asking.round()
    assert three[0].questions == 1
    assert three[1].questions > 1


def test_a_witness_that_hangs_does_not_hold_up_the_others(
    book: Book, three: list[Away], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regard.ledger.witnesses.cosigning._GRACE_SECONDS", 0.02)
    asking = collector(book, three)
    three[2].hangs = threading.Event()
    for size in (4, 5):
        asking.round()
        assert cosigned(book).size == size
        book.call()
    assert three[2].questions == 1
    three[2].hangs.set()


def test_a_log_that_lost_its_end_is_told_so(book: Book, three: list[Away], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(book.folder, copy)
    book.call(times=2)
    collector(book, three).round()
    with opened(copy, book.signer) as restored:
        asking = collector(restored, three)
        asking.round()
        assert "contradicts the log: the witness cosigned 6 entries of this log, which has 4" in str(asking.trouble)
        assert not (restored.served.folder(PERIOD) / "cosigned").exists()


def test_a_log_that_was_rewritten_is_told_so(book: Book, three: list[Away], tmp_path: Path) -> None:
    collector(book, three).round()
    with opened(tmp_path / "other", book.signer) as other:
        other.call("CompareFaces", times=9)
        asking = collector(other, three)
        asking.round()
        assert "422" in str(asking.trouble)


def test_one_witness_that_lies_makes_no_trouble(book: Book, three: list[Away]) -> None:
    three[0].says = (409, b"99999\n")
    asking = collector(book, three)
    asking.round()
    assert asking.standings()[0].contradicts
    assert asking.trouble is None
    assert cosigned(book).size == 4


def test_two_histories_never_have_one_quorum(book: Book, three: list[Away], tmp_path: Path) -> None:
    with opened(tmp_path / "other", book.signer) as other:
        other.call("CompareFaces", times=3)
        collector(book, three[:2]).round()
        asking = collector(other, three)
        asking.round()
        assert not (other.served.folder(PERIOD) / "cosigned").exists()
        assert "409" in str(asking.trouble)


@pytest.mark.parametrize(
    "says", [(200, b""), (200, b"nonsense\n"), (500, b"oops"), (404, b"unknown log\n"), (200, b"\xff")]
)
def test_an_answer_that_is_no_cosignature_is_no_cosignature(book: Book, three: list[Away], says: Answer) -> None:
    for each in three[:2]:
        each.says = says
    asking = collector(book, three)
    asking.round()
    assert not (book.served.folder(PERIOD) / "cosigned").exists()
    assert asking.trouble is None
    assert asking.standings()[0].trouble


def test_a_closed_period_is_cosigned_to_its_end(book: Book, three: list[Away]) -> None:
    asking = collector(book, three)
    asking.round()
    book.call()
    book.period = "2026-12"
    book.call()
    asking.round()
    assert cosigned(book).size == 5
    assert cosigned(book, "2026-12").size == 2
    before = three[0].questions
    asking.round()
    assert three[0].questions == before


def test_receipts_are_below_a_cosigned_checkpoint_where_one_covers_them(book: Book, three: list[Away]) -> None:
    collector(book, three).round()
    book.call()
    key = [book.signer.renamed(f"{NAME}/{PERIOD}").verifier]
    witnesses = [each.signer.verifier for each in three]
    verify_receipt(book.served.receipt(PERIOD, 3), key, None, witnesses, 2)
    with pytest.raises(ValueError):
        verify_receipt(book.served.receipt(PERIOD, 4), key, None, witnesses, 1)
    assert verify_receipt(book.served.receipt(PERIOD, 4), key)[1].size == 5


def test_cosignatures_are_collected_in_the_background(book: Book, three: list[Away]) -> None:
    asking = collector(book, three, least=3, every=0.01)
    asking.start()
    for _ in range(300):
        if (book.served.folder(PERIOD) / "cosigned").exists():
            break
        threading.Event().wait(0.01)
    asking.close()
    assert cosigned(book).size == 4


def test_the_end_does_not_wait_for_a_witness_that_hangs(book: Book, three: list[Away]) -> None:
    for each in three:
        each.hangs = threading.Event()
    asking = collector(book, three, every=0.001)
    asking.start()
    while not all(each.questions for each in three):
        threading.Event().wait(0.001)
    begun = time.monotonic()
    asking.close()
    assert time.monotonic() - begun < 1
    for each in three:
        assert each.hangs
        each.hangs.set()


def test_a_restart_asks_for_what_is_missing_alone(book: Book, three: list[Away]) -> None:
    three[2].away = True
    collector(book, three).round()
    three[2].away = False
    before = [each.questions for each in three]
    collector(book, three).round()
    assert [each.questions for each in three][:2] == before[:2]
    assert signed_by(book.served.note(PERIOD, "cosigned"), three) == {"a", "b", "c"}


@pytest.mark.parametrize("least", [-1, 4])
def test_a_quorum_that_can_never_sign_is_refused(book: Book, three: list[Away], least: int) -> None:
    with pytest.raises(ValueError, match="can never sign"):
        collector(book, three, least)


def test_a_witness_in_the_settings_has_a_key_for_cosignatures_and_an_address() -> None:
    signer = Signer.generate("witness.example/w", Kind.COSIGNATURE)
    assert Asked.parse(f" {signer.verifier}  https://witness.example/ ").verifier == signer.verifier
    for text in (str(signer.verifier), f"{signer.verifier} ftp://x", "x", f"{Signer.generate('w').verifier} https://x"):
        with pytest.raises(NoteError):
            Asked.parse(text)


def test_no_collector_writes_into_the_log_s_own_files(book: Book, three: list[Away]) -> None:
    folder = book.served.folder(PERIOD)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    Collector(book.served, [each.asked for each in three], 3, disk=QuickDisk()).round()
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert set(after) - set(before) == {folder / "cosigned"}
    assert all(after[path] == data for path, data in before.items())
