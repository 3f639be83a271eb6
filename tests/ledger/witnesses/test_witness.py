"""A witness cosigns growth, and nothing else."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from regard.ledger.tree.checkpoints import Checkpoint, open_checkpoint
from regard.ledger.tree.merkle import EMPTY_ROOT, consistency_proof
from regard.ledger.tree.notes import Kind, Note, Signer, cosigned_at, open_note, sign_note
from regard.ledger.tree.tiles import TileNodes, Tree
from regard.ledger.witnesses.witness import Witness, WitnessError, collect, request
from tests.helpers.ledger.faults import QuickDisk

LOG = Signer.generate("log.example/2026")
KEY = Signer.generate("witness.example/w", Kind.COSIGNATURE)


class History:
    """A log in memory that tells what it is told to tell."""

    def __init__(self, entries: list[bytes]) -> None:
        self._files: dict[str, bytes] = {}
        self._roots = [EMPTY_ROOT]
        tree = Tree()
        for entry in entries:
            self._files |= {tile.path: data for tile, data in [*tree.add(entry), *tree.begun()]}
            self._roots.append(tree.root)

    def note(self, size: int, signer: Signer = LOG) -> bytes:
        return sign_note(Checkpoint(LOG.name, size, self._roots[size]).text, [signer])

    def proof(self, old: int, new: int) -> list[bytes]:
        return consistency_proof(old, new, self.nodes(new))

    def nodes(self, size: int) -> TileNodes:
        return TileNodes(size, self._files.__getitem__)

    def request(self, old: int, new: int) -> bytes:
        return request(old, self.proof(old, new), self.note(new))


TRUE = History([b"%d" % index for index in range(300)])
FALSE = History([b"%d" % (index + index // 5) for index in range(300)])


def opened(folder: Path) -> Witness:
    return Witness(folder / "state", KEY, {LOG.name: [LOG.verifier]}, QuickDisk())


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return opened(tmp_path)


def test_a_growing_log_is_cosigned_at_every_step(witness: Witness) -> None:
    for old, new in ((0, 5), (5, 6), (6, 6), (6, 256), (256, 300)):
        status, body = witness.add_checkpoint(TRUE.request(old, new))
        assert status == 200
        note = open_note(TRUE.note(new) + body, [KEY.verifier])
        assert cosigned_at(note.signatures[0]) > 1_700_000_000
        assert witness.latest(LOG.name) == open_checkpoint(TRUE.note(new), [LOG.verifier])


def test_a_stale_size_is_answered_with_the_one_that_is_known(witness: Witness) -> None:
    witness.add_checkpoint(TRUE.request(0, 5))
    assert witness.add_checkpoint(TRUE.request(0, 9)) == (409, b"5\n")
    assert witness.add_checkpoint(TRUE.request(3, 9)) == (409, b"5\n")
    assert witness.add_checkpoint(TRUE.request(5, 9))[0] == 200


def test_a_rewritten_history_is_refused(witness: Witness) -> None:
    witness.add_checkpoint(TRUE.request(0, 50))
    assert witness.add_checkpoint(FALSE.request(50, 60))[0] == 422
    assert witness.add_checkpoint(request(50, [], FALSE.note(60)))[0] == 422
    assert witness.add_checkpoint(FALSE.request(50, 50)) == (409, b"50\n")
    assert witness.latest(LOG.name).size == 50


def test_a_proof_from_nothing_is_empty(witness: Witness) -> None:
    assert witness.add_checkpoint(request(0, [bytes(32)], TRUE.note(5)))[0] == 422


def test_an_unknown_log_and_an_unknown_key_are_told_apart(tmp_path: Path) -> None:
    nobody = Witness(tmp_path / "none", KEY, {}, QuickDisk())
    assert nobody.add_checkpoint(TRUE.request(0, 5))[0] == 404
    stranger = Signer.generate(LOG.name)
    assert opened(tmp_path).add_checkpoint(request(0, [], TRUE.note(5, stranger)))[0] == 403


def test_a_bad_signature_is_refused(witness: Witness) -> None:
    signature = Note.parse(TRUE.note(5)).signatures
    edited = Note(Note.parse(TRUE.note(6)).text, signature).encode()
    assert witness.add_checkpoint(request(0, [], edited))[0] == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"\n\n",
        b"old 00\n\n" + TRUE.note(5),
        b"old -1\n\n" + TRUE.note(5),
        b"old 0\nAAA\n\n" + TRUE.note(5),
        b"size 0\n\n" + TRUE.note(5),
        b"old 0\n\nno note",
        request(6, [], TRUE.note(5)),
        request(0, [bytes(32)] * 64, TRUE.note(5)),
    ],
    # The keys are new in each process: what they signed is no name that workers agree on.
    ids=["empty", "head", "blank", "zeros", "negative", "proof", "word", "note", "size", "long"],
)
def test_a_request_that_is_not_of_the_form_is_refused(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body)[0] == 400
    assert witness.latest(LOG.name).size == 0


def test_a_witness_remembers_when_it_starts_again(tmp_path: Path) -> None:
    opened(tmp_path).add_checkpoint(TRUE.request(0, 50))
    assert opened(tmp_path).add_checkpoint(FALSE.request(0, 50)) == (409, b"50\n")


class SlowDisk(QuickDisk):
    """Leaves others time to come between."""

    def append(self, file: int, data: bytes) -> None:
        threading.Event().wait(0.005)
        super().append(file, data)


def test_of_two_histories_at_once_one_is_cosigned(tmp_path: Path) -> None:
    witness = Witness(tmp_path, KEY, {LOG.name: [LOG.verifier]}, SlowDisk())
    answers: list[int] = []
    bodies = [history.request(0, 7 + turn) for turn in range(8) for history in (TRUE, FALSE)]
    callers = [
        threading.Thread(target=lambda body=body: answers.append(witness.add_checkpoint(body)[0])) for body in bodies
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(answers) == [200, *[409] * 15]


def test_a_witness_signs_with_a_key_for_cosignatures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cosignatures"):
        Witness(tmp_path, LOG, {})


@pytest.mark.parametrize("known", [0, 50, 3])
def test_a_log_collects_a_cosignature_whatever_it_believes_the_witness_knows(witness: Witness, known: int) -> None:
    witness.add_checkpoint(TRUE.request(0, 50))
    body = collect(TRUE.note(300), TRUE.nodes(300), witness.add_checkpoint, known)
    assert open_note(TRUE.note(300) + body, [KEY.verifier])


def test_a_log_that_lost_its_end_learns_so_from_its_witness(witness: Witness) -> None:
    witness.add_checkpoint(TRUE.request(0, 50))
    with pytest.raises(WitnessError, match="50 entries of this log, which has 49"):
        collect(TRUE.note(49), TRUE.nodes(49), witness.add_checkpoint)


def test_a_log_that_was_rewritten_collects_nothing(witness: Witness) -> None:
    witness.add_checkpoint(TRUE.request(0, 50))
    with pytest.raises(WitnessError, match="422"):
        collect(FALSE.note(60), FALSE.nodes(60), witness.add_checkpoint)
