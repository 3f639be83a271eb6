"""Signed notes: a text with Ed25519 signatures below it (C2SP `signed-note` and `tlog-cosignature`).

A note is what checkpoints, motions and ballots are signed as, so that a stranger's tool (Go's `sumdb/note`,
for one) verifies them without us.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MOST_BYTES = 1_000_000
MOST_SIGNATURES = 100
_PRIVATE = "PRIVATE+KEY+"
_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SSHSIG = b"-----BEGIN SSH SIGNATURE-----"


class NoteError(ValueError):
    """A note, a signature or a key that is not of the form; the text says what is wrong with it."""


class KeyFormatError(NoteError):
    """A key that cannot be read; the text says why and what would do."""


class UnsignedNote(NoteError):
    """No signature of a known key is on the note, or one that claims to be is not."""


class Kind(IntEnum):
    """What a key signs: the text itself, or a time and the text (a witness's `cosignature/v1`)."""

    NOTE = 1
    COSIGNATURE = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line. `value` holds 64 bytes of Ed25519, after 8 bytes of time in a cosignature."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """The line as it stands below the text, with its newline."""
        return f"{_DASH}{self.name} {_encode(self.key_id + self.value)}\n"

    @classmethod
    def from_line(cls, line: str) -> Signature:
        """Read one line, without its newline. Raises NoteError."""
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        data = _decode(encoded)
        if not line.startswith(_DASH) or not _is_name(name) or data is None or len(data) < 5:
            raise NoteError(f"not a signature line: {line[:100]!r}")
        return cls(name, data[:4], data[4:])


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a newline, and the signatures below it, verified or not."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The bytes of the note."""
        return f"{self.text}\n{''.join(signature.line() for signature in self.signatures)}".encode()

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read a note without believing it; `open_note` verifies. Raises NoteError."""
        if _SSHSIG in data:
            raise NoteError(_SSHSIG_REMEDY)
        if len(data) > MOST_BYTES:
            raise NoteError(f"a note of {len(data)} bytes is longer than the {MOST_BYTES} that are read")
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise NoteError(f"the note is not UTF-8: {error}") from None
        text, separator, below = whole.rpartition("\n\n")
        if not separator or not below.endswith("\n"):
            raise NoteError("the note has no text, blank line and signature lines that end in newlines")
        _require_printable(text)
        lines = below[:-1].split("\n")
        if len(lines) > MOST_SIGNATURES:
            raise NoteError(f"the note has {len(lines)} signatures; at most {MOST_SIGNATURES} are read")
        return cls(text + "\n", tuple(Signature.from_line(line) for line in lines))


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name. Its text form is `name+hash+base64`."""

    name: str
    public: bytes
    kind: Kind = Kind.NOTE

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise KeyFormatError(f"{self.name!r} names no key: it is empty or has a space or a plus sign")
        if len(self.public) != 32:
            raise KeyFormatError(f"an Ed25519 public key has 32 bytes, not {len(self.public)}")

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_encode(bytes([self.kind]) + self.public)}"

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256 over name, newline, kind and public key."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(named).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read the text form. Raises KeyFormatError."""
        # The base64 part may have plus signs of its own.
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        verifier = cls(name, *_key_of(encoded))
        if key_id != verifier.key_id.hex():
            raise KeyFormatError(f"the key is not the one its hash names: {text[:100]!r}")
        return verifier

    @classmethod
    def from_openssh(cls, name: str, line: bytes) -> Verifier:
        """Read an OpenSSH public key (`ssh-ed25519 AAAA… comment`). Raises KeyFormatError."""
        try:
            key = serialization.load_ssh_public_key(line.strip())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyFormatError(f"not an OpenSSH public key: {error}") from None
        if not isinstance(key, Ed25519PublicKey):
            raise KeyFormatError("only Ed25519 keys sign notes. Make one with `ssh-keygen -t ed25519`.")
        return cls(name, key.public_bytes_raw())

    def signed(self, signature: Signature) -> bool:
        """Whether `signature` claims to be by this key."""
        return signature.name == self.name and signature.key_id == self.key_id

    def verify(self, text: str, signature: Signature) -> bool:
        """Whether `signature` is this key's, on `text`."""
        message, value = text.encode(), signature.value
        if self.kind is Kind.COSIGNATURE:
            message, value = _cosigned(text, int.from_bytes(value[:8])), value[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(value, message)
        except (InvalidSignature, ValueError):
            return False
        return self.signed(signature)


class Signer:
    """A private key under a name. Its text form, a secret, is `PRIVATE+KEY+name+hash+base64`."""

    def __init__(self, name: str, key: Ed25519PrivateKey, kind: Kind = Kind.NOTE) -> None:
        self._key = key
        self.verifier = Verifier(name, key.public_key().public_bytes_raw(), kind)

    @property
    def name(self) -> str:
        """The name that the key signs under."""
        return self.verifier.name

    @classmethod
    def generate(cls, name: str, kind: Kind = Kind.NOTE) -> Signer:
        """A new random key."""
        return cls(name, Ed25519PrivateKey.generate(), kind)

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Read the text form. Raises KeyFormatError, whose text does not repeat the key."""
        if not text.startswith(_PRIVATE):
            raise KeyFormatError(f"a signer's key begins with {_PRIVATE}")
        name, _, rest = text.removeprefix(_PRIVATE).partition("+")
        key_id, _, encoded = rest.partition("+")
        seed, kind = _key_of(encoded)
        if len(seed) != 32:
            raise KeyFormatError(f"an Ed25519 private key has 32 bytes, not {len(seed)}")
        signer = cls(name, Ed25519PrivateKey.from_private_bytes(seed), kind)
        if key_id != signer.verifier.key_id.hex():
            raise KeyFormatError("the private key is not the one its hash names")
        return signer

    @classmethod
    def from_openssh(cls, name: str, data: bytes, passphrase: bytes | None = None) -> Signer:
        """Read an OpenSSH private key file. Raises KeyFormatError with what to do instead."""
        if _SSHSIG in data:
            raise KeyFormatError(_SSHSIG_REMEDY)
        try:
            key = serialization.load_ssh_private_key(data, passphrase)
        except TypeError:
            needed = "has a passphrase; give it" if passphrase is None else "has no passphrase; give none"
            raise KeyFormatError(f"the OpenSSH key {needed}.") from None
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyFormatError(f"this key cannot be read, or its passphrase is wrong: {error}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFormatError("only Ed25519 keys sign notes. Make one with `ssh-keygen -t ed25519`.")
        return cls(name, key)

    def renamed(self, name: str) -> Signer:
        """The same key under another name."""
        return Signer(name, self._key, self.verifier.kind)

    @property
    def seed(self) -> bytes:
        """The private key itself, 32 bytes: a secret."""
        return self._key.private_bytes_raw()

    def encode(self) -> str:
        """The text form: a secret."""
        of = self.verifier
        secret = _encode(bytes([of.kind]) + self.seed)
        return f"{_PRIVATE}{of.name}+{of.key_id.hex()}+{secret}"

    def sign(self, text: str, at: int | None = None) -> Signature:
        """Sign `text`. A cosignature says when: `at`, in seconds since 1970, or else now."""
        if not text.endswith("\n"):
            raise NoteError("the text of a note ends in a newline")
        _require_printable(text)
        of = self.verifier
        if of.kind is Kind.NOTE:
            return Signature(of.name, of.key_id, self._key.sign(text.encode()))
        at = int(time.time()) if at is None else at
        return Signature(of.name, of.key_id, at.to_bytes(8) + self._key.sign(_cosigned(text, at)))


def sign_note(text: str, signers: Iterable[Signer]) -> bytes:
    """A note with one signature a signer."""
    return Note(text, tuple(signer.sign(text) for signer in signers)).encode()


def open_note(data: bytes, verifiers: Sequence[Verifier]) -> Note:
    """The note with only the signatures that `verifiers` made, one each.

    Signatures of unknown keys are dropped. Raises UnsignedNote when none is left, or when one claims a known
    key and does not verify; NoteError when the bytes are no note.
    """
    note = Note.parse(data)
    verified: dict[tuple[str, bytes], Signature] = {}
    for signature in note.signatures:
        for verifier in verifiers:
            if not verifier.signed(signature):
                continue
            if not verifier.verify(note.text, signature):
                raise UnsignedNote(f"the signature by {verifier.name} is not on this text")
            verified.setdefault((signature.name, signature.key_id), signature)
    if not verified:
        known = ", ".join(sorted({verifier.name for verifier in verifiers})) or "nobody"
        raise UnsignedNote(f"none of the signatures is by a known key ({known})")
    return Note(note.text, tuple(verified.values()))


def cosigned_at(signature: Signature) -> int:
    """When a cosignature was made, in seconds since 1970."""
    return int.from_bytes(signature.value[:8])


_SSHSIG_REMEDY = (
    "this is the output of `ssh-keygen -Y sign`, which signs another message than the text and is not a note "
    "signature. Sign with the OpenSSH key file itself: it loads as it is."
)


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _key_of(encoded: str) -> tuple[bytes, Kind]:
    data = _decode(encoded)
    if not data or data[0] not in tuple(Kind):
        raise KeyFormatError("the key is no base64 of an Ed25519 key (type 1) or cosigner's key (type 4)")
    return data[1:], Kind(data[0])


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


def _require_printable(text: str) -> None:
    if _CONTROL.search(text):
        raise NoteError("the text of a note has no control characters but newlines")


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes | None:
    # Python ignores the unused bits of the last character: two texts would be one signature.
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _encode(data) == text else None
