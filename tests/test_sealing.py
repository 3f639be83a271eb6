"""Sealing: what is sealed opens only under its own key and context."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.sealing import NoMasterKey, SealBroken, SealingKey, master_key


@given(st.binary(), st.binary())
def test_what_is_sealed_opens_again(clear: bytes, context: bytes) -> None:
    key = SealingKey(SealingKey.generate())
    assert key.open(key.seal(clear, context), context) == clear


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
