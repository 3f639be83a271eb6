"""What outsiders do with the log from the command line, end to end over HTTP: every lie is caught and named."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from regard.commands.record import log as commands
from regard.commands.record import receipt as receipts
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.notes import Kind, Signer, Verifier, sign_note
from regard.ledger.witnesses.cosigning import Asked, Collector, open_cosigning
from regard.ledger.witnesses.series import Broken, Keys, log_name
from regard.settings import SettingError, from_environment
from regard.stewardship.logbook.own_calls import OwnCalls
from regard.stewardship.office import Office, start_office
from regard.wire.metrics import Metrics
from tests.helpers.ledger.served_log import NAME, SECRET, Book, opened, serving_log, serving_witness

PERIOD = "2026-11"


@dataclass(frozen=True)
class Said:
    code: int
    document: Any
    output: str


def run(app: typer.Typer, *words: object) -> Said:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Said(done.exit_code, json.loads(done.stdout) if "--json" in words else None, done.output)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Book]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "data"))
    with opened(tmp_path / "log") as book:
        book.call(times=300)
        yield book


@pytest.fixture
def address(book: Book) -> Iterator[str]:
    with serving_log(book) as address:
        yield address


def verify(address: str, book: Book, *more: object) -> Said:
    return run(commands.app, "verify", address, "--key", book.key, "--json", *more)


def sign_again(book: Book, change: Callable[[Checkpoint], Checkpoint]) -> None:
    """Replace the public checkpoint by another that the log's key signs."""
    path = book.served.folder(PERIOD) / "checkpoint"
    now = change(book.served.head(PERIOD, path.read_bytes()).checkpoint)
    path.write_bytes(sign_note(now.text, [book.signer.renamed(now.origin)]))


def test_a_log_is_verified_from_its_key_and_the_next_time_only_what_is_new(book: Book, address: str) -> None:
    said = verify(address, book)
    assert said.code == 0
    assert said.document["shards"] == [{"period": PERIOD, "origin": f"{NAME}/{PERIOD}", "entries": 301, "new": 301}]
    book.call(times=5)
    book.period = "2026-12"
    book.call(times=2)
    again = verify(address, book).document["shards"]
    assert [(shard["period"], shard["new"]) for shard in again] == [(PERIOD, 5), ("2026-12", 3)]
    assert [shard["new"] for shard in verify(address, book).document["shards"]] == [0, 0]


def test_a_log_is_told_to_people_in_a_table(book: Book, address: str, tmp_path: Path) -> None:
    key = tmp_path / "log.pub"
    key.write_text(f"# the key of a log\n{book.key}\n")
    said = run(commands.app, "verify", address, "--key", key)
    assert f"{NAME}: verified" in said.output
    assert "301" in said.output


def test_a_copy_of_the_files_is_verified_as_the_service_s_own_are(book: Book, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(book.served.folder(PERIOD), copy / PERIOD)
    assert verify(str(copy), book).code == 0
    assert verify(str(book.folder), book).document["shards"][0]["new"] == 0


def test_a_key_of_one_period_serves_for_all(book: Book, address: str) -> None:
    key = str(book.signer.renamed(f"{NAME}/{PERIOD}").verifier)
    assert run(commands.app, "verify", address, "--key", key).code == 0


def test_a_rewrite_is_caught_with_both_checkpoints_as_evidence(book: Book, address: str, tmp_path: Path) -> None:
    verify(address, book)
    with opened(tmp_path / "other", book.signer) as other, serving_log(other) as elsewhere:
        other.call("CompareFaces", times=310)
        said = verify(elsewhere, book)
        honest = other.served.note(PERIOD).decode()
    assert (said.code, said.document["kind"], said.document["period"]) == (1, "rewritten", PERIOD)
    assert said.document["evidence"] == [book.served.note(PERIOD).decode(), honest]


def test_a_rollback_is_caught(book: Book, address: str, tmp_path: Path) -> None:
    verify(address, book)
    with opened(tmp_path / "other", book.signer) as other, serving_log(other) as elsewhere:
        other.call(times=100)
        said = verify(elsewhere, book)
    assert (said.code, said.document["kind"]) == (1, "rollback")


def test_a_split_view_is_caught_and_what_was_known_stays_known(book: Book, address: str, tmp_path: Path) -> None:
    verify(address, book)
    with opened(tmp_path / "other", book.signer) as other, serving_log(other) as elsewhere:
        other.call("CompareFaces", times=300)
        for _ in range(2):
            said = verify(elsewhere, book)
            assert (said.code, said.document["kind"]) == (1, "split-view")
    assert verify(address, book).code == 0


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/45", "tile/entries/000", "tile/entries/001.p/45"])
def test_a_flipped_bit_is_caught(book: Book, address: str, path: str) -> None:
    file = book.served.folder(PERIOD) / path
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)
    said = verify(address, book)
    assert (said.code, said.document["kind"]) == (1, "damaged")


def test_a_flipped_bit_in_the_checkpoint_is_caught(book: Book, address: str) -> None:
    file = book.served.folder(PERIOD) / "checkpoint"
    data = bytearray(file.read_bytes())
    data[30] ^= 1
    file.write_bytes(data)
    assert verify(address, book).document["kind"] == "forged"


def test_an_edited_size_is_caught(book: Book, address: str) -> None:
    file = book.served.folder(PERIOD) / "checkpoint"
    file.write_bytes(file.read_bytes().replace(b"\n301\n", b"\n300\n"))
    assert verify(address, book).document["kind"] == "forged"
    sign_again(book, lambda now: Checkpoint(now.origin, 256, now.root))
    assert verify(address, book).document["kind"] == "wrong-root"


def test_a_missing_tile_and_a_missing_period_are_caught(book: Book, address: str) -> None:
    book.period = "2026-12"
    book.call()
    verify(address, book)
    hidden = book.folder / "2026-11"
    hidden.rename(book.folder / "hidden")
    said = verify(address, book)
    assert (said.code, said.document["kind"], said.document["period"]) == (1, "missing", PERIOD)
    # Who never saw it learns from the next shard that there was one.
    assert verify(address, book, "--state", book.folder / "new.json").document["kind"] == "unlinked"
    (book.folder / "hidden").rename(hidden)
    (book.served.folder("2026-12") / "tile/0/000.p/2").unlink()
    assert verify(address, book, "--state", book.folder / "new.json").document["kind"] == "missing"


def test_a_closed_period_that_grew_is_caught(book: Book, address: str, tmp_path: Path) -> None:
    book.period = "2026-12"
    book.call()
    assert verify(address, book).code == 0
    book.shards.close()
    with Book._open(book.folder / PERIOD, [book.signer.renamed(f"{NAME}/{PERIOD}")]) as closed:
        closed.append(b'{"kind":"regard/call"}')
        closed.publish()
    said = verify(address, book)
    assert (said.code, said.document["kind"], said.document["period"]) == (1, "unlinked", "2026-12")


def test_another_key_verifies_nothing(book: Book, address: str) -> None:
    said = run(commands.app, "verify", address, "--key", Signer.generate(NAME).verifier, "--json")
    assert (said.code, said.document["kind"]) == (1, "forged")


def test_what_could_not_be_checked_is_an_error_and_no_verdict(book: Book, tmp_path: Path) -> None:
    for where, key, cause in (
        ("http://127.0.0.1:1/log", book.key, "refused"),
        ("nowhere", book.key, "neither an address"),
        (str(book.folder), "no key", "neither a file nor a key"),
    ):
        with pytest.raises((OSError, ValueError), match=cause):
            run(commands.app, "verify", where, "--key", key)
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="nothing to verify"):
        verify(str(tmp_path / "empty"), book)
    broken = tmp_path / "state.json"
    broken.write_text("{}")
    with pytest.raises(ValueError, match="--state"):
        verify(str(book.folder), book, "--state", broken)


def test_a_quorum_of_witnesses_can_be_demanded(book: Book, address: str, tmp_path: Path) -> None:
    with (
        serving_witness(tmp_path / "a", book.signer, "witness.example/a") as one,
        serving_witness(tmp_path / "b", book.signer, "witness.example/b") as two,
    ):
        asked = [Asked.parse(one), Asked.parse(two)]
        keys = [word for each in asked for word in ("--witness", each.verifier)]
        Collector(book.served, asked[:1], 1).round()
        assert verify(address, book, *keys, "--quorum", 1).code == 0
        said = verify(address, book, *keys, "--quorum", 2)
        assert (said.code, said.document["kind"]) == (1, "unwitnessed")
        Collector(book.served, asked, 2).round()
        assert verify(address, book, *keys, "--quorum", 2).code == 0


def test_what_witnesses_saw_must_be_what_is_shown(book: Book, address: str, tmp_path: Path) -> None:
    with serving_witness(tmp_path / "a", book.signer) as one:
        asked = Asked.parse(one)
        Collector(book.served, [asked], 1).round()
    seen = book.served.note(PERIOD, "cosigned")
    with opened(tmp_path / "other", book.signer) as other, serving_log(other) as elsewhere:
        other.call("CompareFaces", times=320)
        (other.served.folder(PERIOD) / "cosigned").write_bytes(seen)
        said = verify(elsewhere, book, "--witness", asked.verifier, "--quorum", 1)
    assert (said.code, said.document["kind"]) == (1, "rewritten")


def test_an_organization_finds_its_own_calls(book: Book, address: str, tmp_path: Path) -> None:
    book.call(organization="0" * 32)  # another's
    said = mine(book, address, tmp_path)
    assert said.code == 0
    assert len(said.document["calls"]) == 300
    assert said.document["calls"][0]["entry"] == "2026-11/1"


def mine(book: Book, where: str, tmp_path: Path, *more: object) -> Said:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET.hex()}\n")
    return run(commands.app, "mine", "--log", where, "--secret", secret, "--key", book.key, "--json", *more)


def test_an_organization_notices_a_call_that_was_left_out(book: Book, address: str, tmp_path: Path) -> None:
    book._sequences[PERIOD] += 2
    book.call(sequence=7)
    said = mine(book, address, tmp_path)
    assert (said.code, said.document["gaps"]) == (1, {PERIOD: [[7, 7]]})
    book.call()
    assert mine(book, address, tmp_path).document["gaps"] == {PERIOD: [[7, 7], [301, 303]]}


def test_kept_receipts_show_what_is_missing_and_what_differs(book: Book, address: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for index in (5, 299):
        (kept / f"2026-11-{index}.tlog-proof").write_bytes(book.shards.receipt(PERIOD, index))
    lines = [{"entry": f"2026-11/{index}", "sequence": index, "operation": "DetectFaces"} for index in (5, 299)]
    (kept / "calls.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert mine(book, address, tmp_path, "--receipts", kept).code == 0
    with opened(tmp_path / "other", book.signer) as other, serving_log(other) as elsewhere:
        other.call("CompareFaces", times=200)
        said = mine(book, elsewhere, tmp_path, "--receipts", kept)
    assert said.code == 1
    assert [(each["kept"], each["wrong"].partition(":")[0]) for each in said.document["complaints"]] == [
        ("2026-11-299.tlog-proof", "is missing"),
        ("2026-11-5.tlog-proof", "differs"),
        ("calls.jsonl, line 2", "is missing"),
    ]


def test_receipts_that_prove_nothing_are_named(book: Book, address: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "a.tlog-proof").write_bytes(book.shards.receipt(PERIOD, 5).replace(b"index 5", b"index 6"))
    (kept / "b.tlog-proof").write_text("no receipt")
    (kept / "calls.jsonl").write_text('{"entry": "2026-11/5", "sequence": 6}\n{"entry": 7}\n')
    complaints = mine(book, address, tmp_path, "--receipts", kept).document["complaints"]
    assert [each["wrong"].partition(":")[0] for each in complaints] == [
        "proves nothing",
        "proves nothing",
        "is call 6, which the log numbers 5",
        "cannot be read",
    ]


def test_mine_needs_to_know_whose(book: Book) -> None:
    assert run(commands.app, "mine").code == 2


def test_a_receipt_is_verified_offline_and_printed(book: Book, tmp_path: Path) -> None:
    file = tmp_path / "a.tlog-proof"
    file.write_bytes(book.shards.receipt(PERIOD, 5))
    said = run(receipts.app, "verify", file, "--key", book.key, "--json")
    assert (said.code, said.document["index"], said.document["entry"]["sequence"]) == (0, 5, 5)
    assert "Entry 5 of the 301" in run(receipts.app, "verify", file, "--key", book.key).output
    witness = Signer.generate("witness.example/w", Kind.COSIGNATURE).verifier
    assert run(receipts.app, "verify", file, "--key", book.key, "--witness", witness, "--quorum", 1).code == 1
    assert run(receipts.app, "verify", file, "--key", Signer.generate(NAME).verifier).code == 1
    assert run(receipts.app, "verify", file, "--key", Signer.generate("other.example").verifier).code == 1
    file.write_bytes(file.read_bytes().replace(b"index 5", b"index 6"))
    assert run(receipts.app, "verify", file, "--key", book.key).code == 1


def test_keys_of_two_logs_are_not_mixed(book: Book) -> None:
    with pytest.raises(ValueError, match="2 logs"):
        run(commands.app, "verify", book.folder, "--key", book.key, "--key", Signer.generate("other").verifier)
    keys = Keys([book.signer.verifier])
    assert list(keys) == [NAME]
    assert keys[f"{NAME}/2027"] == [Verifier(f"{NAME}/2027", book.signer.verifier.public)]
    assert "other.example/2027" not in keys
    assert f"{NAME}/2027/2028" not in keys
    assert log_name(f"{NAME}/log") == f"{NAME}/log"
    assert issubclass(Broken, ValueError)


def test_a_copy_serves_as_the_log_does_and_grows_with_it(book: Book, address: str, tmp_path: Path) -> None:
    with serving_witness(tmp_path / "a", book.signer) as one:
        asked = Asked.parse(one)
        Collector(book.served, [asked], 1).round()
    copy = tmp_path / "copy"
    for size in (301, 302, 701):
        run(commands.app, "copy", copy, "--from", address)
        said = verify(str(copy), book, "--witness", asked.verifier, "--quorum", 1)
        assert (said.code, said.document["shards"][0]["entries"]) == (0, size)
        book.call(times=1 if size == 301 else 399)
    assert json.loads((copy / "periods").read_text()) == [PERIOD]


def test_the_page_that_verifies_is_beside_a_copy_and_has_the_digest_that_is_printed(
    book: Book, address: str, tmp_path: Path
) -> None:
    run(commands.app, "copy", tmp_path / "copy", "--from", address)
    told = run(commands.app, "verifier", "--write", tmp_path / "verify.html")
    page = (tmp_path / "verify.html").read_bytes()
    assert told.output == f"{hashlib.sha256(page).hexdigest()}  verify.html\n"
    assert (tmp_path / "copy" / "verify.html").read_bytes() == page


def test_a_copy_refuses_what_contradicts_it(book: Book, address: str, tmp_path: Path) -> None:
    run(commands.app, "copy", tmp_path / "copy", "--from", address)
    tile = tmp_path / "copy" / PERIOD / "tile/0/000"
    tile.write_bytes(tile.read_bytes()[::-1])
    (tmp_path / "copy" / PERIOD / "checkpoint").unlink()
    with pytest.raises(ValueError, match="other bytes"):
        run(commands.app, "copy", tmp_path / "copy", "--from", address)


def test_the_operator_s_own_log_is_looked_into_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "data"))
    office = start_office(from_environment())
    office.organizations.first_start()
    (organization,) = office.organizations.all()
    for _ in range(3):
        office.logbook.write_call({"operation": "DetectFaces", "organization": organization.id}, [])
    office.logbook.close()
    said = run(commands.app, "mine", organization.id, "--json")
    assert [call["sequence"] for call in said.document["calls"]] == [1, 2, 3]
    assert said.document["gaps"] == {}
    secret = tmp_path / "secret"
    secret.write_text(run(commands.app, "secret", organization.id).output)
    run(commands.app, "copy", tmp_path / "copy")
    key = office.logbook.keys.signers[0].verifier
    elsewhere = run(commands.app, "mine", "--log", tmp_path / "copy", "--secret", secret, "--key", key, "--json")
    assert elsewhere.document == said.document
    with pytest.raises(LookupError):
        run(commands.app, "secret", "000000000000")


def test_the_key_is_replaced_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "data"))
    start_office(from_environment()).logbook.close()
    (old,) = run(commands.app, "key").output.split()
    new = run(commands.app, "rotate").output.split()[0]
    assert run(commands.app, "key").output.split() == [old, new]
    office = start_office(from_environment())
    office.logbook.write("regard/test", {})
    office.logbook.close()
    assert run(commands.app, "rotate", "--finish").output.split()[0] == old
    assert run(commands.app, "key").output.split() == [new, old]
    assert run(commands.app, "key", "2026-11", "--key", new).output.startswith("regard.localhost/log/2026-11+")
    office = start_office(from_environment())
    office.logbook.write("regard/test", {})
    office.logbook.close()
    shards = tmp_path / "data" / "log" / "shards"
    state = tmp_path / "state.json"
    assert run(commands.app, "verify", shards, "--key", new, "--key", old, "--state", state, "--json").code == 0


def test_people_are_told_in_words_what_is_wrong(book: Book, address: str, tmp_path: Path) -> None:
    book._sequences[PERIOD] += 2
    book.call()
    secret = tmp_path / "secret"
    secret.write_text(SECRET.hex())
    said = run(commands.app, "mine", "--log", address, "--secret", secret, "--key", book.key)
    assert (said.code, "calls 301 to 302 do not stand exactly once" in said.output) == (1, True)
    file = book.served.folder(PERIOD) / "checkpoint"
    file.write_bytes(file.read_bytes().replace(b"\n302", b"\n\x1b[2J302", 1))
    said = run(commands.app, "verify", address, "--key", book.key)
    assert (said.code, "forged" in said.output, "\x1b[2J" in said.output) == (1, True, False)


@pytest.mark.parametrize("entry", [b"[%s]", b"%s", b'{"kind":"regard/call","organization":"%s"}'])
def test_an_entry_of_another_form_is_no_call_or_a_gap(entry: bytes) -> None:
    own = OwnCalls(SECRET)
    own.add(PERIOD, 0, entry % own.pseudonym(PERIOD).encode())
    assert bool(own.gaps()) == bool(own.calls)


def test_witnesses_that_cannot_be_asked_are_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(office: Office) -> Collector:
        return open_cosigning(office.settings, office.logbook.shards, office.public_log)

    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("REGARD_WITNESSES", "witness.example https://witness.example")
    with pytest.raises(SettingError, match="REGARD_WITNESSES"):
        asked(start_office(from_environment()))
    monkeypatch.setenv("REGARD_WITNESSES", "")
    monkeypatch.setenv("REGARD_WITNESS_QUORUM", "1")
    with pytest.raises(SettingError, match="can never sign"):
        asked(start_office(from_environment()))


def test_the_service_asks_its_witnesses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "data"))
    office = start_office(from_environment())
    office.logbook.write("regard/test", {})
    with serving_witness(tmp_path / "witness", Signer.generate("none")) as stranger:
        settings = from_environment(witnesses=stranger, witness_quorum=1)
        asking = open_cosigning(settings, office.logbook.shards, office.public_log)
        metrics = Metrics()
        metrics.watch_witnesses(asking)
        office.logbook.shards.current()[1].publish()
        asking.round()
        told = metrics.text().decode()
    office.logbook.close()
    # The witness does not know this log: that is an absence, and no contradiction.
    assert "regard_log_contradictions 0.0" in told
    assert "regard_log_unwitnessed_seconds 0.0\n" not in told
    assert "404" in str(asking.standings()[0].trouble)
