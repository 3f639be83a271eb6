"""An audit from nothing but the public key: each kind of lie is caught, and told from the others."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regard.ledger.log.log import Log
from regard.ledger.tree.checkpoints import Checkpoint, open_checkpoint
from regard.ledger.tree.notes import NoteError, Signer, sign_note
from regard.ledger.tree.tiles import tiles_of
from regard.ledger.witnesses.audit import (
    AuditError,
    Damaged,
    Forged,
    Missing,
    Rewritten,
    Rollback,
    SplitView,
    WrongRoot,
    audit,
    from_folder,
    from_url,
)
from tests.helpers.ledger.faults import QuickDisk

SIGNER = Signer.generate("log.example/2026")
KEYS = [SIGNER.verifier]
ENTRIES = [b"entry %d" % index for index in range(600)]


def publish(folder: Path, entries: list[bytes]) -> Path:
    with Log(folder, [SIGNER], disk=QuickDisk(), publish_every=60) as log:
        for start in range(0, len(entries), 50):
            log.submit(entries[start : start + 50]).result()
            log.publish()
    return folder / "public"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("whole"), ENTRIES)


@pytest.fixture
def log(whole: Path, tmp_path: Path) -> Path:
    """A copy of the public log, to be spoiled."""
    return Path(shutil.copytree(whole, tmp_path / "public"))


def test_a_true_log_is_verified_from_its_key_alone(whole: Path) -> None:
    seen: dict[int, bytes] = {}
    steps: list[tuple[int, int]] = []
    found = audit(
        from_folder(whole),
        KEYS,
        entry=seen.__setitem__,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert (found.checkpoint.size, found.new) == (600, 600)
    assert seen == dict(enumerate(ENTRIES))
    assert steps == [(256, 600), (512, 600), (600, 600)]


@pytest.mark.parametrize("size", [0, 1, 50, 255, 256, 257, 512, 599, 600])
def test_the_next_audit_reads_only_what_is_new(whole: Path, tmp_path: Path, size: int) -> None:
    before = audit(from_folder(publish(tmp_path / "before", ENTRIES[:size])), KEYS).note
    seen: dict[int, bytes] = {}
    found = audit(from_folder(whole), KEYS, before=before, entry=seen.__setitem__)
    assert found.new == 600 - size
    assert seen == dict(list(enumerate(ENTRIES))[size:])


def test_an_empty_log_is_a_log(tmp_path: Path) -> None:
    assert audit(from_folder(publish(tmp_path, [])), KEYS).checkpoint.size == 0


def test_a_rollback_is_caught(whole: Path, tmp_path: Path) -> None:
    before = audit(from_folder(whole), KEYS).note
    older = publish(tmp_path / "older", ENTRIES[:599])
    with pytest.raises(Rollback, match="had 600 entries and has 599"):
        audit(from_folder(older), KEYS, before=before)


def test_a_split_view_is_caught(whole: Path, tmp_path: Path) -> None:
    other = publish(tmp_path / "other", [*ENTRIES[:599], b"another"])
    before = audit(from_folder(other), KEYS).note
    with pytest.raises(SplitView, match="two roots for its 600"):
        audit(from_folder(whole), KEYS, before=before)


@pytest.mark.parametrize("changed", [0, 255, 256, 449])
def test_a_rewrite_is_caught(tmp_path: Path, changed: int) -> None:
    before = audit(from_folder(publish(tmp_path / "before", ENTRIES[:450])), KEYS).note
    entries = [b"rewritten" if index == changed else entry for index, entry in enumerate(ENTRIES)]
    rewritten = publish(tmp_path / "rewritten", entries)
    assert audit(from_folder(rewritten), KEYS).new == 600
    with pytest.raises(Rewritten, match="450 entries"):
        audit(from_folder(rewritten), KEYS, before=before)


def test_a_log_that_hides_its_rewrite_in_old_tiles_is_caught(whole: Path, tmp_path: Path) -> None:
    before = audit(from_folder(publish(tmp_path / "before", ENTRIES[:450])), KEYS).note
    entries = [b"rewritten" if index == 449 else entry for index, entry in enumerate(ENTRIES)]
    rewritten = publish(tmp_path / "rewritten", entries)
    for path in ("tile/0/000", "tile/0/001", "tile/entries/001"):
        shutil.copy(whole / path, rewritten / path)
    with pytest.raises((Damaged, WrongRoot)):
        audit(from_folder(rewritten), KEYS, before=before)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.data())
def test_any_flipped_bit_is_caught(log: Path, data: st.DataObject) -> None:
    paths = ["checkpoint", *(tile.path for tile in tiles_of(600))]
    path = log / data.draw(st.sampled_from(paths))
    before = path.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1))
    changed = bytearray(before)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(changed)
    try:
        with pytest.raises(Forged if path.name == "checkpoint" else Damaged):
            audit(from_folder(log), KEYS)
    finally:
        path.write_bytes(before)


def test_an_edited_size_is_caught(log: Path) -> None:
    path = log / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n600\n", b"\n601\n"))
    with pytest.raises(Forged, match="not on this text"):
        audit(from_folder(log), KEYS)


def _sign(log: Path, size: int) -> None:
    signed = open_checkpoint((log / "checkpoint").read_bytes(), KEYS)
    note = sign_note(Checkpoint(signed.origin, size, signed.root).text, [SIGNER])
    (log / "checkpoint").write_bytes(note)


@pytest.mark.parametrize(("size", "error"), [(599, Missing), (601, Missing), (512, WrongRoot), (0, WrongRoot)])
def test_an_edited_size_is_caught_when_the_log_signs_it(log: Path, size: int, error: type[AuditError]) -> None:
    _sign(log, size)
    with pytest.raises(error):
        audit(from_folder(log), KEYS)


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/001", "tile/entries/000", "tile/1/000.p/2"])
def test_a_file_that_is_gone_is_named(log: Path, path: str) -> None:
    (log / path).unlink()
    with pytest.raises(Missing, match=path):
        audit(from_folder(log), KEYS)


def test_another_log_s_checkpoint_is_not_taken(whole: Path) -> None:
    with pytest.raises(Forged):
        audit(from_folder(whole), KEYS, "log.example/2027")
    with pytest.raises(Forged):
        audit(from_folder(whole), [Signer.generate(SIGNER.name).verifier])
    with pytest.raises(NoteError):
        audit(from_folder(whole), KEYS, before=b"no checkpoint")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(whole: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(whole))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_log_is_audited_where_a_plain_web_server_serves_it(address: str) -> None:
    assert audit(from_url(address), KEYS).new == 600
    with pytest.raises(Missing):
        audit(from_url(address + "nowhere"), KEYS)


@pytest.mark.parametrize("address", ["", "file:///etc/passwd", "ftp://log.example"])
def test_only_web_addresses_are_fetched(address: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        from_url(address)
