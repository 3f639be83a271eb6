"""The log: what it acknowledges is kept, what it signs is one history, and it says so when it cannot."""

from __future__ import annotations

import asyncio
import errno
import shutil
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from regard.ledger.log.disk import Disk, WrittenTwice
from regard.ledger.log.journal import Journal, JournalDamaged
from regard.ledger.log.log import Log, LogDamaged, LogUnavailable
from regard.ledger.tree.checkpoints import open_checkpoint
from regard.ledger.tree.notes import Kind, Note, NoteError, Signer
from regard.ledger.tree.proof import verify_receipt
from tests.helpers.ledger.faults import DyingDisk, QuickDisk, assert_equals_a_rebuild

SIGNER = Signer.generate("log.example/2026")


def opened(folder: Path, disk: Disk | None = None, publish_every: float = 60) -> Log:
    return Log(folder, [SIGNER], disk=disk or QuickDisk(), publish_every=publish_every)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_an_entry_gets_the_next_index_and_is_found_there(folder: Path) -> None:
    with opened(folder) as log:
        assert [log.append(b"%d" % index) for index in range(300)] == list(range(300))
        assert log.entry(299) == b"299"
        assert assert_equals_a_rebuild(log) == [b"%d" % index for index in range(300)]


def test_entries_that_are_submitted_together_stay_together(folder: Path) -> None:
    with opened(folder) as log:
        futures = [log.submit([b"a", b"b", b"c"]) for _ in range(50)]
        assert [future.result() for future in futures] == [range(n, n + 3) for n in range(0, 150, 3)]


def test_many_callers_get_indexes_of_their_own(folder: Path) -> None:
    kept: dict[int, bytes] = {}

    def call(name: int) -> None:
        for number in range(40):
            entry = b"%d of %d" % (number, name)
            kept[log.append(entry)] = entry

    with opened(folder, publish_every=0.001) as log:
        callers = [threading.Thread(target=call, args=(name,)) for name in range(16)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert assert_equals_a_rebuild(log) == [kept[index] for index in range(640)]


def test_a_log_goes_on_where_it_was_closed(folder: Path) -> None:
    for start in range(0, 600, 60):
        with opened(folder) as log:
            assert log.submit([b"%d" % index for index in range(start, start + 60)]).result()[0] == start
    with opened(folder) as log:
        assert assert_equals_a_rebuild(log) == [b"%d" % index for index in range(600)]


def test_an_append_is_under_a_signed_checkpoint_on_disk_when_it_returns(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as log:
        log.append(b"kept")
        assert log.published.checkpoint.size == 0
        shutil.copytree(folder, tmp_path / "copy")
    with opened(tmp_path / "copy") as copy:
        assert copy.entry(0) == b"kept"


class Held(QuickDisk):
    """Waits to be let go before it appends to the journal."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()

    def append(self, file: int, data: bytes) -> None:
        assert self.go.wait(10)
        super().append(file, data)


def test_no_append_returns_before_it_is_durable_and_all_that_wait_become_so_at_once(folder: Path) -> None:
    disk = Held()
    with opened(folder, disk) as log:
        disk.go.clear()
        first = log.submit([b"first"])
        rest = [log.submit([b"%d" % index]) for index in range(20)]
        with pytest.raises(TimeoutError):
            first.result(0.05)
        assert not any(future.done() for future in rest)
        disk.go.set()
        assert [future.result()[0] for future in [first, *rest]] == list(range(21))
        assert len(list(Journal(folder / "journal", disk).records())) <= 4


class Telling(Disk):
    """Tells in which order files appear and become durable."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def append(self, file: int, data: bytes) -> None:
        super().append(file, data)
        self.told.append("synced")

    def settle(self, folders: Iterable[Path]) -> None:
        folders = list(folders)
        super().settle(folders)
        self.told += [f"settled {folder.name}" for folder in folders]

    def _rename(self, unfinished: Path, path: Path) -> None:
        super()._rename(unfinished, path)
        self.told.append(path.name)


def test_one_sync_makes_a_group_durable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    with opened(folder, Disk()) as log:
        monkeypatch.setattr("os.fsync", syncs.append)
        monkeypatch.setattr("os.fdatasync", syncs.append)
        for index in range(10):
            log.submit([b"one", b"two"]).result()
            assert len(syncs) == index + 1


def test_a_checkpoint_appears_after_all_that_it_needs_is_durable(folder: Path) -> None:
    disk = Telling()
    with opened(folder, disk) as log:
        log.append(b"entry")
        disk.told.clear()
        log.publish()
        order = disk.told
    assert order[:4] == ["synced", "1", "synced", "1"]
    settled, checkpoint = order[4 : order.index("checkpoint")], order[order.index("checkpoint") :]
    names = {"public", "tile", "0", "entries", "000.p"}
    assert settled[-1] == "synced"
    assert {told.removeprefix("settled ") for told in settled[:-1]} == names
    assert checkpoint == ["checkpoint", "settled public"]


def test_a_busy_log_publishes_in_time_without_being_asked(folder: Path) -> None:
    with opened(folder, publish_every=0.01) as log:
        log.append(b"one")
        for _ in range(200):
            if log.published.checkpoint.size == 1:
                break
            threading.Event().wait(0.01)
        assert open_checkpoint(log.fetch("checkpoint"), log.verifiers).size == 1


def test_the_size_of_an_entry_ends_at_65535(folder: Path) -> None:
    with opened(folder) as log:
        assert log.entry(log.append(b"\0" * 65_535)) == b"\0" * 65_535
        assert log.entry(log.append(b"")) == b""
        with pytest.raises(ValueError, match="65536"):
            log.append(b"\0" * 65_536)
        with pytest.raises(IndexError):
            log.entry(2)
        with pytest.raises(IndexError):
            log.receipt(-1)


def test_a_closed_log_takes_nothing(folder: Path) -> None:
    log = opened(folder)
    log.close()
    log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        log.append(b"late")


def test_a_caller_that_went_away_stops_nobody(folder: Path) -> None:
    async def leave() -> None:
        asyncio.wrap_future(log.submit([b"left"])).cancel()

    with opened(folder) as log:
        for _ in range(50):
            asyncio.run(leave())
        log.append(b"stayed")
        assert assert_equals_a_rebuild(log)[-1] == b"stayed"


def test_one_process_holds_a_log(folder: Path) -> None:
    with opened(folder), pytest.raises(LogUnavailable, match="another process"):
        opened(folder)


def test_all_signers_of_a_log_have_its_name(folder: Path) -> None:
    with pytest.raises(ValueError, match="one name"):
        Log(folder, [SIGNER, Signer.generate("another")])


def test_a_log_that_dies_before_any_write_is_found_whole(tmp_path: Path) -> None:
    with opened(tmp_path / "before") as log:
        log.submit([b"%d" % index for index in range(250)]).result()
    # Nine appends, each published, fill a tile and begin two; dying one write later each time.
    for last in range(1_000):
        place = tmp_path / str(last)
        shutil.copytree(tmp_path / "before", place)
        disk = DyingDisk(last)
        told: list[bytes] = []
        with suppress(LogUnavailable), opened(place, disk) as log:
            for index in range(250, 259):
                log.append(b"%d" % index)
                told.append(b"%d" % index)
                log.publish()
        with opened(place) as log:
            entries = assert_equals_a_rebuild(log)[250:]
        assert entries[: len(told)] == told
        assert len(entries) <= len(told) + 1
        for path, data in disk.written.items():
            assert not path.exists() or path.read_bytes() == data
        shutil.rmtree(place)
        if not disk.dead:
            break
    assert len(told) == 9
    assert last > 60


def test_a_log_that_dies_while_it_recovers_is_found_whole(tmp_path: Path) -> None:
    with opened(tmp_path / "log") as log:
        log.submit([b"%d" % index for index in range(600)]).result()
        shutil.copytree(tmp_path / "log", tmp_path / "killed")
    for last in range(1_000):
        place = tmp_path / str(last)
        shutil.copytree(tmp_path / "killed", place)
        disk = DyingDisk(last)
        with suppress(LogUnavailable):
            opened(place, disk).close()
        with opened(place) as log:
            assert assert_equals_a_rebuild(log)[599] == b"599"
        shutil.rmtree(place)
        if not disk.dead:
            break
    assert last > 10


class FullDisk(QuickDisk):
    """Has room until it is told otherwise."""

    full = False

    def append(self, file: int, data: bytes) -> None:
        if self.full:
            super().append(file, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(file, data)


def test_a_full_disk_makes_the_log_unavailable_until_there_is_room(folder: Path) -> None:
    disk = FullDisk()
    with opened(folder, disk) as log:
        log.append(b"before")
        log.publish()
        assert log.trouble is None
        disk.full = True
        for _ in range(3):
            with pytest.raises(LogUnavailable, match="No space left"):
                log.append(b"lost")
        assert "No space left" in str(log.trouble)
        with pytest.raises(LogUnavailable):
            log.check()
        assert log.entry(0) == b"before"
        disk.full = False
        log.check()
        assert not log.trouble
        assert log.append(b"after") == 1
        assert assert_equals_a_rebuild(log) == [b"before", b"after"]


def test_a_disk_that_fills_while_publishing_stops_the_log(folder: Path) -> None:
    disk = FullDisk()
    with opened(folder, disk) as log:
        log.append(b"before")
        disk.full = True
        with pytest.raises(LogUnavailable):
            log.publish()
        with pytest.raises(LogUnavailable):
            log.append(b"lost")
        disk.full = False
        assert log.append(b"after") == 1


def test_an_unwritable_place_is_said_on_opening(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LogUnavailable, match="cannot be written"):
        opened(tmp_path / "file" / "log")


def test_a_log_whose_entries_were_changed_signs_nothing_more(folder: Path) -> None:
    with opened(folder) as log:
        log.append(b"true")
    bundle = folder / "public/tile/entries/000.p/1"
    bundle.write_bytes(b"\x00\x04fake")
    with pytest.raises(LogDamaged, match="last entries"):
        opened(folder)


def test_a_log_whose_tiles_were_changed_signs_nothing_more(folder: Path) -> None:
    with opened(folder) as log:
        log.submit([b"%d" % index for index in range(256)]).result()
    tile = folder / "public/tile/1/000.p/1"
    tile.write_bytes(bytes(32))
    with pytest.raises(LogDamaged, match="not the tree that its checkpoint signs"):
        opened(folder)


def test_a_tree_that_changed_in_memory_is_not_signed_and_is_read_again(folder: Path) -> None:
    with opened(folder) as log:
        log.append(b"one")
        assert log._state is not None
        log._state.tree.add(b"stray")
        with pytest.raises(LogUnavailable, match="not the one that was signed at size 1"):
            log.append(b"two")
        assert log.append(b"two") == 1
        assert assert_equals_a_rebuild(log) == [b"one", b"two"]


def test_a_journal_that_grew_before_its_data_arrived_is_read_to_its_end(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as log:
        log.append(b"kept")
        shutil.copytree(folder, tmp_path / "copy")
    segment = next((tmp_path / "copy/journal").iterdir())
    segment.write_bytes(segment.read_bytes() + bytes(4096))
    with opened(tmp_path / "copy") as copy:
        assert assert_equals_a_rebuild(copy) == [b"kept"]


def test_a_log_that_was_rolled_back_signs_nothing_more(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as log:
        log.append(b"one")
    shutil.copytree(folder / "public", tmp_path / "older")
    with opened(folder) as log:
        log.append(b"two")
    opened(folder).close()
    shutil.rmtree(folder / "public")
    shutil.copytree(tmp_path / "older", folder / "public")
    with pytest.raises(LogDamaged, match="older than what was signed at 2"):
        opened(folder)


def test_a_public_folder_that_is_behind_is_caught_up_from_the_journal(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as log:
        shutil.copytree(folder / "public", tmp_path / "older")
        log.append(b"one")
    shutil.rmtree(folder / "public")
    shutil.copytree(tmp_path / "older", folder / "public")
    with opened(folder) as log:
        assert assert_equals_a_rebuild(log) == [b"one"]


def test_a_log_that_was_rebuilt_otherwise_signs_nothing_more(folder: Path, tmp_path: Path) -> None:
    for place, entry in ((folder, b"true"), (tmp_path / "fake", b"fake")):
        with opened(place) as log:
            log.append(entry)
    shutil.rmtree(folder / "public")
    shutil.copytree(tmp_path / "fake" / "public", folder / "public")
    with pytest.raises(LogDamaged, match="other entries than were signed at 1"):
        opened(folder)


def test_a_log_without_its_journal_signs_nothing_more(folder: Path) -> None:
    with opened(folder) as log:
        log.append(b"one")
    shutil.rmtree(folder / "journal")
    with pytest.raises(LogDamaged, match="journal"):
        opened(folder)


def test_a_wrong_length_in_the_middle_of_the_journal_is_no_torn_end(folder: Path) -> None:
    with opened(folder) as log:
        for entry in (b"one", b"two", b"three"):
            log.append(entry)
    segment = max((folder / "journal").iterdir())
    data = segment.read_bytes()
    journal = Journal(folder / "journal", Disk())
    whole = list(journal.records())
    place = len(data) - sum(len(record.encode()) for record in whole[-2:])
    segment.write_bytes(data[:place] + b"\xff" + data[place + 1 :])
    with pytest.raises(JournalDamaged, match="length"):
        list(journal.records())
    # A crash cuts anywhere, and is no damage.
    for end in range(place, len(data)):
        segment.write_bytes(data[:end])
        assert len(list(journal.records())) in (len(whole) - 2, len(whole) - 1)


def test_a_journal_with_a_changed_byte_is_not_replayed(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as log:
        log.append(b"one entry")
        shutil.copytree(folder, tmp_path / "copy")
    segment = next((tmp_path / "copy/journal").iterdir())
    segment.write_bytes(segment.read_bytes().replace(b"one entry", b"0ne entry"))
    with pytest.raises(LogDamaged):
        opened(tmp_path / "copy")


def test_a_changed_byte_in_a_tile_is_noticed_before_a_receipt_is_given(folder: Path) -> None:
    with opened(folder) as log:
        log.submit([b"%d" % index for index in range(300)]).result()
        log.publish()
        tile = folder / "public/tile/0/000"
        tile.write_bytes(b"\0" + tile.read_bytes()[1:])
        with pytest.raises(LogDamaged, match="does not prove entry 3"):
            log.receipt(3)


def test_no_file_is_written_twice_with_other_bytes(tmp_path: Path) -> None:
    disk = Disk()
    disk.write_once(tmp_path / "tile", b"one")
    disk.write_once(tmp_path / "tile", b"one")
    with pytest.raises(WrittenTwice, match="tile"):
        disk.write_once(tmp_path / "tile", b"two")
    assert [path.name for path in tmp_path.iterdir()] == ["tile"]


def test_partial_tiles_go_once_the_full_one_is_there(folder: Path) -> None:
    with opened(folder) as log:
        for index in range(256):
            log.append(b"%d" % index)
            log.publish()
        assert {path.name for path in folder.glob("public/tile/*/*")} == {"000", "000.p"}
        assert sorted(folder.glob("public/tile/*/000.p/*")) == [folder / "public/tile/1/000.p/1"]


def test_a_long_journal_begins_anew(folder: Path) -> None:
    with opened(folder) as log:
        for _ in range(5):
            log.submit([b"\0" * 60_000] * 20).result()
            log.publish()
        assert sum(path.stat().st_size for path in (folder / "journal").iterdir()) < 4 << 20
        assert len(assert_equals_a_rebuild(log)) == 100


def test_a_key_is_replaced_without_a_break(folder: Path) -> None:
    new = Signer.generate(SIGNER.name)
    with opened(folder) as log:
        log.append(b"under the old key")
    with Log(folder, [SIGNER, new], disk=QuickDisk()) as log:
        both = log.fetch("checkpoint")
        for key in (SIGNER, new):
            assert open_checkpoint(both, [key.verifier]).size == 1
        log.append(b"under both")
    with Log(folder, [new], retired=[SIGNER.verifier], disk=QuickDisk()) as log:
        log.append(b"under the new key")
        assert assert_equals_a_rebuild(log) == [b"under the old key", b"under both", b"under the new key"]
        assert verify_receipt(log.receipt(0), [new.verifier])[0].entry == b"under the old key"
        with pytest.raises(NoteError):
            verify_receipt(log.receipt(0), [SIGNER.verifier])
    with pytest.raises(LogDamaged):
        opened(folder)


def test_a_log_of_another_name_is_not_continued(folder: Path) -> None:
    opened(folder).close()
    with pytest.raises(LogDamaged):
        Log(folder, [Signer.generate("log.example/2027")], disk=QuickDisk())


def test_cosignatures_stand_below_the_checkpoint_and_outlive_a_restart(folder: Path) -> None:
    witnesses = [Signer.generate(f"w{n}.example", Kind.COSIGNATURE) for n in range(2)]
    keys = [witness.verifier for witness in witnesses]
    with opened(folder) as log:
        log.append(b"seen")
        text = Note.parse(log.publish().note).text
        assert [log.cosign(by.sign(text).line().encode(), keys) for by in witnesses] == [1, 2]
        with pytest.raises(NoteError):
            log.cosign(witnesses[0].sign("another\n").line().encode(), keys)
    with opened(folder) as log:
        receipt = log.receipt(0)
        assert verify_receipt(receipt, [SIGNER.verifier], witnesses=keys, quorum=2)[0].entry == b"seen"
