"""Notes: signed here, verified anywhere, and never accepted with a bit changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from regard.ledger.tree.notes import (
    KeyFormatError,
    Kind,
    Note,
    NoteError,
    Signer,
    UnsignedNote,
    Verifier,
    cosigned_at,
    open_note,
    sign_note,
)

# The key and the note that Go's sumdb/note publishes in its own tests.
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

SIGNER = Signer.generate("log.example/one")
OTHER = Signer.generate("witness.example/w", Kind.COSIGNATURE)


def test_the_published_note_of_go_is_signed_byte_for_byte() -> None:
    signer = Signer.parse(GO_PRIVATE)
    assert sign_note(GO_TEXT, [signer]) == GO_NOTE
    assert (str(signer.verifier), signer.encode()) == (GO_PUBLIC, GO_PRIVATE)
    assert open_note(GO_NOTE, [Verifier.parse(GO_PUBLIC)]).text == GO_TEXT


def test_a_text_may_have_empty_lines() -> None:
    text = "one\n\n\ntwo\n"
    assert open_note(sign_note(text, [SIGNER]), [SIGNER.verifier]).text == text


def _flips(data: bytes) -> Iterator[bytes]:
    for place, bit in itertools.product(range(len(data)), range(8)):
        yield data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def test_no_bit_of_a_note_can_change() -> None:
    key = [Verifier.parse(GO_PUBLIC)]
    for data in _flips(GO_NOTE):
        with pytest.raises(NoteError):
            open_note(data, key)


def test_no_bit_of_a_key_can_change() -> None:
    for data in _flips(GO_PUBLIC.encode()):
        with pytest.raises(NoteError):
            Verifier.parse(data.decode("latin-1"))


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))), st.booleans())
def test_what_one_key_signs_another_does_not_verify(text: str, timed: bool) -> None:
    signer = OTHER if timed else SIGNER
    data = sign_note(f"{text}\n", [signer])
    assert open_note(data, [signer.verifier]).text == f"{text}\n"
    stranger = Signer.generate(signer.name, signer.verifier.kind).verifier
    with pytest.raises(UnsignedNote):
        open_note(data, [stranger])


def test_signatures_of_unknown_keys_are_dropped() -> None:
    data = sign_note("text\n", [SIGNER, OTHER])
    note = open_note(data, [OTHER.verifier])
    assert [signature.name for signature in note.signatures] == [OTHER.name]


def test_a_bad_signature_of_a_known_key_spoils_the_note() -> None:
    good = Note.parse(sign_note("text\n", [SIGNER, OTHER]))
    wrong = OTHER.sign("another\n")
    data = Note(good.text, (good.signatures[0], wrong)).encode()
    with pytest.raises(UnsignedNote, match=r"witness\.example"):
        open_note(data, [SIGNER.verifier, OTHER.verifier])
    assert open_note(data, [SIGNER.verifier]).text == "text\n"


def test_a_signature_said_twice_counts_once() -> None:
    note = Note.parse(sign_note("text\n", [SIGNER]))
    assert len(open_note(Note(note.text, note.signatures * 2).encode(), [SIGNER.verifier]).signatures) == 1


def test_a_cosignature_says_when_and_the_time_cannot_change() -> None:
    signature = OTHER.sign("text\n", at=1_679_315_147)
    assert cosigned_at(signature) == 1_679_315_147
    assert OTHER.verifier.verify("text\n", signature)
    later = type(signature)(signature.name, signature.key_id, bytes(8) + signature.value[8:])
    assert not OTHER.verifier.verify("text\n", later)


def test_a_signature_under_another_name_is_not_the_key_s() -> None:
    signature = SIGNER.sign("text\n")
    renamed = type(signature)("log.example/two", signature.key_id, signature.value)
    assert SIGNER.verifier.verify("text\n", signature)
    assert not SIGNER.verifier.verify("text\n", renamed)


def test_a_cosignature_is_no_signature_of_the_text_by_the_same_key() -> None:
    key = Ed25519PrivateKey.generate()
    plain, timed = Signer("same", key), Signer("same", key, Kind.COSIGNATURE)
    assert plain.verifier.key_id != timed.verifier.key_id
    with pytest.raises(UnsignedNote):
        open_note(sign_note("text\n", [timed]), [plain.verifier])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno dash\n",
        GO_NOTE[:-1],
        GO_NOTE.replace(b"think", b"th\tnk"),
        GO_NOTE + b"\xff\n",
        GO_NOTE.replace(b" PeterNeumann", b" Peter+Neumann"),
        b"x" * 1_000_001,
        GO_NOTE + b"\n".join(GO_NOTE.splitlines()[-1:] * 100) + b"\n",
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(NoteError):
        Note.parse(data)


@pytest.mark.parametrize("text", ["no newline", "a\ttab\n", "a\rreturn\n"])
def test_a_text_that_is_none_of_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        SIGNER.sign(text)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak", "no break"])
def test_a_name_that_a_line_could_not_hold_is_refused(name: str) -> None:
    with pytest.raises(KeyFormatError):
        Signer.generate(name)


@pytest.mark.parametrize("text", ["", "PRIVATE+KEY+", GO_PUBLIC, GO_PRIVATE[:-1], GO_PRIVATE.replace("c7", "c8")])
def test_a_private_key_that_is_not_of_the_form_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(KeyFormatError) as refused:
        Signer.parse(text)
    assert GO_PRIVATE[-20:] not in str(refused.value)


def _openssh(key: Ed25519PrivateKey, passphrase: bytes | None) -> bytes:
    sealed: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        sealed = serialization.BestAvailableEncryption(passphrase)
    form = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, form, sealed)


@pytest.mark.parametrize("passphrase", [None, b"a secret"])
def test_an_openssh_key_file_signs_notes(passphrase: bytes | None) -> None:
    key = Ed25519PrivateKey.generate()
    signer = Signer.from_openssh("member", _openssh(key, passphrase), passphrase)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    verifier = Verifier.from_openssh("member", public + b" member@example\n")
    assert open_note(sign_note("aye\n", [signer]), [verifier]).text == "aye\n"


def test_an_openssh_key_is_refused_with_what_to_do() -> None:
    key = Ed25519PrivateKey.generate()
    with pytest.raises(KeyFormatError, match="has a passphrase"):
        Signer.from_openssh("member", _openssh(key, b"a secret"))
    with pytest.raises(KeyFormatError, match="has no passphrase"):
        Signer.from_openssh("member", _openssh(key, None), b"a secret")
    with pytest.raises(KeyFormatError, match="wrong"):
        Signer.from_openssh("member", _openssh(key, b"a secret"), b"another")
    with pytest.raises(KeyFormatError, match="cannot be read"):
        Signer.from_openssh("member", b"no key")
    with pytest.raises(KeyFormatError, match="not an OpenSSH public key"):
        Verifier.from_openssh("member", b"ssh-ed25519 AAAA")


def test_only_ed25519_keys_are_taken() -> None:
    key = generate_private_key(SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    with pytest.raises(KeyFormatError, match="ssh-keygen -t ed25519"):
        Signer.from_openssh("member", private)
    with pytest.raises(KeyFormatError, match="ssh-keygen -t ed25519"):
        Verifier.from_openssh("member", public)


def test_what_ssh_keygen_signs_is_refused_with_how_to_sign() -> None:
    output = b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"
    with pytest.raises(NoteError, match="key file itself"):
        Note.parse(b"aye\n\n" + output)
    with pytest.raises(NoteError, match="key file itself"):
        Signer.from_openssh("member", output)
