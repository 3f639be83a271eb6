"""Many at once: what the compiled loop seals is what `cryptography` seals, and opens."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from regard import aead
from regard.aead import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Packed

pytestmark = pytest.mark.skipif(not aead.available(), reason="this processor has no instructions for AES")

texts = st.lists(st.tuples(st.binary(max_size=600), st.binary(max_size=60)), min_size=1, max_size=20)


@given(texts)
def test_each_is_sealed_as_cryptography_seals_it(some: list[tuple[bytes, bytes]]) -> None:
    keys, nonces = [os.urandom(KEY_BYTES) for _ in some], os.urandom(NONCE_BYTES * len(some))
    clear, contexts = Packed.of([text for text, _ in some]), Packed.of([context for _, context in some])
    sealed = aead.encrypted(Packed.of(keys), clear, contexts, nonces)
    each = [nonces[start : start + NONCE_BYTES] for start in range(0, len(nonces), NONCE_BYTES)]
    assert sealed.apart() == [
        nonce + AESGCM(key).encrypt(nonce, *texts) for key, nonce, texts in zip(keys, each, some, strict=True)
    ]
    opened = aead.decrypted(Packed.of(keys), sealed, contexts)
    assert opened is not None
    assert opened.apart() == clear.apart()


@given(texts, st.data())
def test_one_flipped_bit_in_one_of_them_opens_none(some: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    keys, nonces = Packed.of([os.urandom(KEY_BYTES) for _ in some]), os.urandom(NONCE_BYTES * len(some))
    contexts = Packed.of([context for _, context in some])
    sealed = aead.encrypted(keys, Packed.of([text for text, _ in some]), contexts, nonces)
    sealed.data[data.draw(st.integers(0, len(sealed.data) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert aead.decrypted(keys, sealed, contexts) is None


@pytest.mark.parametrize("length", [0, NONCE_BYTES + TAG_BYTES - 1])
def test_what_is_too_short_to_be_sealed_does_not_open(length: int) -> None:
    whole = aead.encrypted(Packed.of([bytes(KEY_BYTES)]), Packed.of([b"text"]), Packed.of([b""]), bytes(12))
    some = Packed.of([whole.apart()[0], bytes(length)])
    assert aead.decrypted(Packed.of([bytes(KEY_BYTES)] * 2), some, Packed.of([b"", b""])) is None


@given(st.lists(st.binary(max_size=5)))
def test_what_is_packed_comes_apart_again(some: list[bytes]) -> None:
    assert Packed.of(some).apart() == some
