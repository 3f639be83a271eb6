"""Sealing: what is sealed opens only under its own key and context."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard import aead, sealing
from regard.aead import KEY_BYTES, Packed
from regard.sealing import (
    NoMasterKey,
    SealBroken,
    SealingKey,
    master_key,
    open_each,
    read_private,
    renew_master,
    root_key,
    seal_each,
)


@given(st.binary(), st.binary())
def test_what_is_sealed_opens_again(clear: bytes, context: bytes) -> None:
    key = SealingKey(SealingKey.generate())
    assert key.open(key.seal(clear, context), context) == clear


@given(st.lists(st.tuples(st.binary(), st.binary())))
def test_many_are_sealed_and_opened_as_one_is(some: list[tuple[bytes, bytes]]) -> None:
    keys = [SealingKey.generate() for _ in some]
    assert len({*keys}) == len(some)
    assert {len(key) for key in keys} <= {KEY_BYTES}
    clear, contexts = [text for text, _ in some], [context for _, context in some]
    under, bound = Packed.of(keys), Packed.of(contexts)
    sealed = seal_each(under, Packed.of(clear), bound)
    assert open_each(under, sealed, bound).apart() == clear
    assert [SealingKey(key).open(*each) for key, *each in zip(keys, sealed.apart(), contexts, strict=True)] == clear


@pytest.mark.parametrize("loop", [True, False])
@pytest.mark.parametrize("count", [0, 1, 1000])
def test_however_many_they_are_and_whatever_the_processor_can_they_are_sealed_as_one_is(
    monkeypatch: pytest.MonkeyPatch, loop: bool, count: int
) -> None:
    if not loop:
        monkeypatch.setattr(aead, "available", lambda: False)
    keys = [SealingKey.generate() for _ in range(count)]
    clear, contexts = [b"text" * number for number in range(count)], [b"%d" % number for number in range(count)]
    under, bound = Packed.of(keys), Packed.of(contexts)
    sealed = seal_each(under, Packed.of(clear), bound)
    assert len(set(sealed.apart())) == count
    assert open_each(under, sealed, bound).apart() == clear
    assert [SealingKey(key).open(*each) for key, *each in zip(keys, sealed.apart(), contexts, strict=True)] == clear


@pytest.mark.parametrize("count", [2, 1000])
def test_one_of_many_that_belongs_elsewhere_opens_none(count: int) -> None:
    under, bound = Packed.of([SealingKey.generate() for _ in range(count)]), Packed.of([b"row"] * count)
    sealed = seal_each(under, Packed.of([b"secret"] * count), bound).apart()
    with pytest.raises(SealBroken):
        open_each(under, Packed.of([*sealed[:-1], sealed[0]]), bound)


@pytest.mark.parametrize("count", [2, 1000])
def test_many_want_a_whole_key_and_a_context_each(count: int) -> None:
    keys, texts = [SealingKey.generate() for _ in range(count)], Packed.of([b"text"] * count)
    with pytest.raises(ValueError, match="a key of 32 bytes, a text and a context"):
        seal_each(Packed.of([*keys[:-1], keys[0][:16]]), texts, texts)
    with pytest.raises(ValueError, match="a key of 32 bytes, a text and a context"):
        open_each(Packed.of(keys[:-1]), texts, texts)


@given(st.binary(max_size=40), st.data())
def test_any_flipped_bit_is_noticed(clear: bytes, data: st.DataObject) -> None:
    key = SealingKey(SealingKey.generate())
    sealed = bytearray(key.seal(clear, b"row 1"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealBroken):
        key.open(bytes(sealed), b"row 1")


def test_another_context_or_key_does_not_open_it() -> None:
    key = SealingKey(SealingKey.generate())
    sealed = key.seal(b"secret", b"row 1")
    with pytest.raises(SealBroken):
        key.open(sealed, b"row 2")
    with pytest.raises(SealBroken):
        SealingKey(SealingKey.generate()).open(sealed, b"row 1")


def test_the_master_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    sealed = master_key(path).seal(b"secret", b"")
    assert path.stat().st_mode & 0o777 == 0o600
    assert master_key(path).open(sealed, b"") == b"secret"


def test_a_master_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    master_key(path)
    path.chmod(0o644)
    with pytest.raises(PermissionError, match="chmod 600"):
        master_key(path)


def test_a_private_key_is_read_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "some.key"
    path.write_bytes(b"secret")
    for mode in (0o640, 0o604, 0o620, 0o666):
        path.chmod(mode)
        with pytest.raises(PermissionError, match="may be read by others: run `chmod 600") as refused:
            read_private(path)
        assert str(path) in str(refused.value)
    path.chmod(0o600)
    assert read_private(path) == b"secret"


def test_a_master_key_may_come_from_the_environment_or_a_program_and_is_not_written(tmp_path: Path) -> None:
    text = base64.b64encode(b"k" * 32).decode()
    sealed = SealingKey(b"k" * 32).seal(b"clear", b"")
    file = tmp_path / "key"
    file.write_text(text + "\n")
    for key in (master_key(tmp_path / "m", text), master_key(tmp_path / "m", command=f"cat {file}")):
        assert key.open(sealed, b"") == b"clear"
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "given", [{"text": "short"}, {"text": "a"}, {"command": "false"}, {"command": "no-such-program"}]
)
def test_what_gives_no_master_key_is_refused_without_repeating_it(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(NoMasterKey) as error:
        master_key(tmp_path / "m", **given)
    assert "short" not in str(error.value)
    with pytest.raises(NoMasterKey, match="not both"):
        master_key(tmp_path / "m", "a", "b")


def _program(file: Path, key: bytes) -> str:
    file.write_text(base64.b64encode(key).decode())
    return f"cat {file}"


def test_a_new_folder_hangs_on_a_root_key_that_the_master_key_seals(tmp_path: Path) -> None:
    sealed = root_key(tmp_path).seal(b"clear", b"")
    assert root_key(tmp_path).open(sealed, b"") == b"clear"
    with pytest.raises(SealBroken):
        master_key(tmp_path / "master.key").open(sealed, b"")
    assert (tmp_path / "root.sealed").stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == ["master.key", "root.sealed"]


def test_all_who_open_a_new_folder_at_once_have_the_same_root(tmp_path: Path) -> None:
    text = base64.b64encode(b"k" * 32).decode()
    with ThreadPoolExecutor(8) as pool:
        roots = list(pool.map(lambda _: root_key(tmp_path, text), range(32)))
    assert {root.open(roots[0].seal(b"clear", b""), b"") for root in roots} == {b"clear"}


def test_a_folder_from_before_there_were_roots_goes_on(tmp_path: Path) -> None:
    sealed = master_key(tmp_path / "master.key").seal(b"clear", b"")
    (tmp_path / "keys.db").touch()
    assert root_key(tmp_path).open(sealed, b"") == b"clear"
    renew_master(tmp_path)
    assert root_key(tmp_path).open(sealed, b"") == b"clear"


def test_under_a_new_master_key_everything_opens_and_under_the_old_one_nothing(tmp_path: Path) -> None:
    sealed, old = root_key(tmp_path).seal(b"clear", b""), (tmp_path / "master.key").read_bytes()
    renew_master(tmp_path)
    assert root_key(tmp_path).open(sealed, b"") == b"clear"
    assert (tmp_path / "master.key").read_bytes() != old
    (tmp_path / "master.key").write_bytes(old)
    with pytest.raises(NoMasterKey, match="another master key"):
        root_key(tmp_path)


def test_the_master_key_moves_to_a_program_and_from_one_to_another(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    sealed = root_key(folder).seal(b"clear", b"")
    one, two = _program(tmp_path / "one", b"1" * 32), _program(tmp_path / "two", b"2" * 32)
    renew_master(folder, new_command=one)
    assert not (folder / "master.key").exists()
    renew_master(folder, command=one, new_command=two)
    assert root_key(folder, command=two).open(sealed, b"") == b"clear"
    with pytest.raises(NoMasterKey):
        root_key(folder, command=one)
    with pytest.raises(NoMasterKey, match="name the program"):
        renew_master(folder, command=two)


@pytest.mark.parametrize("step", ["master_key", "replace_private"])
def test_a_renewal_broken_off_after_either_step_leaves_a_folder_that_opens(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed, real = root_key(tmp_path).seal(b"clear", b""), getattr(sealing, step)

    def crash(path: Path, *given: Any, **more: Any) -> Any:
        done = real(path, *given, **more)
        if path.name != "master.key":
            raise SystemExit
        return done

    with monkeypatch.context() as broken:
        broken.setattr(sealing, step, crash)
        with pytest.raises(SystemExit):
            renew_master(tmp_path)
    assert root_key(tmp_path).open(sealed, b"") == b"clear"
    renew_master(tmp_path)
    assert root_key(tmp_path).open(sealed, b"") == b"clear"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["master.key", "root.sealed"]


def test_a_master_key_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    root_key(tmp_path)
    (tmp_path / "master.key").unlink()
    with pytest.raises(NoMasterKey, match="put it back"):
        root_key(tmp_path)
    assert not (tmp_path / "master.key").exists()
