"""Receipts: checked offline by whoever holds one, with the log's public key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.ledger.log.log import Log
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.merkle import ProofError, leaf_hash
from regard.ledger.tree.notes import Kind, Note, NoteError, Signer, sign_note
from regard.ledger.tree.proof import Receipt, verify_receipt
from tests.helpers.ledger.faults import QuickDisk

SIGNER = Signer.generate("log.example/2026")
WITNESS = Signer.generate("witness.example/w", Kind.COSIGNATURE)


@pytest.fixture(scope="module")
def receipt(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with Log(tmp_path_factory.mktemp("log"), [SIGNER], disk=QuickDisk(), publish_every=60) as log:
        log.submit([b"entry %d" % index for index in range(300)]).result()
        text = Note.parse(log.publish().note).text
        log.cosign(WITNESS.sign(text).line().encode(), [WITNESS.verifier])
        return log.receipt(77)


def check(data: bytes) -> Receipt:
    keys = [SIGNER.verifier]
    return verify_receipt(data, keys, SIGNER.name, [WITNESS.verifier], quorum=1)[0]


def test_a_receipt_proves_its_entry(receipt: bytes) -> None:
    found, checkpoint = verify_receipt(receipt, [SIGNER.verifier])
    assert (found.index, found.entry, checkpoint.size) == (77, b"entry 77", 300)
    assert check(receipt) == found


@given(st.integers(0), st.integers(0, 7))
def test_no_bit_of_a_receipt_can_change(receipt: bytes, place: int, bit: int) -> None:
    data = bytearray(receipt)
    data[place % len(data)] ^= 1 << bit
    with pytest.raises((ProofError, NoteError)):
        check(bytes(data))


@given(st.integers(0))
def test_a_receipt_that_is_cut_proves_nothing(receipt: bytes, end: int) -> None:
    with pytest.raises((ProofError, NoteError)):
        check(receipt[: end % len(receipt)])


def test_a_receipt_of_another_log_proves_nothing(receipt: bytes) -> None:
    with pytest.raises(NoteError):
        verify_receipt(receipt, [SIGNER.verifier], "log.example/2027")
    with pytest.raises(NoteError):
        verify_receipt(receipt, [Signer.generate(SIGNER.name).verifier])


def test_the_quorum_counts_witnesses_not_keys(receipt: bytes) -> None:
    again = Signer.generate(WITNESS.name, Kind.COSIGNATURE)
    note = Note.parse(Receipt.parse(receipt).note)
    twice = Note(note.text, (*note.signatures, again.sign(note.text))).encode()
    found = Receipt.parse(receipt)
    data = Receipt(found.index, found.proof, twice, found.entry).encode()
    keys = [WITNESS.verifier, again.verifier]
    verify_receipt(data, [SIGNER.verifier], witnesses=keys, quorum=1)
    with pytest.raises(ProofError, match="1 of the witnesses"):
        verify_receipt(data, [SIGNER.verifier], witnesses=keys, quorum=2)


def test_a_receipt_of_the_only_entry_has_no_hashes() -> None:
    checkpoint = Checkpoint(SIGNER.name, 1, leaf_hash(b"alone"))
    data = Receipt(0, (), sign_note(checkpoint.text, [SIGNER]), b"alone").encode()
    assert verify_receipt(data, [SIGNER.verifier]) == (Receipt.parse(data), checkpoint)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"index 77", b"index 077"),
        (b"index 77", b"index +77"),
        (b"index 77", b"index 7_7"),
        (b"index 77", b"index -1"),
        (b"@v1", b"@v2"),
        (b"extra ", b"extra  "),
        (b"index ", b"indices "),
    ],
)
def test_a_receipt_has_one_spelling(receipt: bytes, old: bytes, new: bytes) -> None:
    with pytest.raises((ProofError, NoteError)):
        check(receipt.replace(old, new, 1))


def test_a_receipt_is_a_file_that_a_person_can_read(receipt: bytes, tmp_path: Path) -> None:
    lines = receipt.decode().splitlines()
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[2] == "index 77"
    assert lines[-2].startswith(f"— {SIGNER.name} ")
    assert lines[-1].startswith(f"— {WITNESS.name} ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n1\n",
        "log\n01\nAAAA\n",
        "\n1\n" + "A" * 43 + "=\n",
        "log\n-1\n" + "A" * 43 + "=\n",
        "log\n1\n" + "A" * 42 + "B=\n",
        "log\n1\n" + "A" * 43 + "=",
        "log\n1\n" + "A" * 43 + "=\n\n",
        "log\n1\nAAAA\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


def test_a_checkpoint_keeps_its_extension_lines() -> None:
    text = "log\n1\n" + "A" * 43 + "=\nmore\nand more\n"
    assert Checkpoint.parse(text).text == text
