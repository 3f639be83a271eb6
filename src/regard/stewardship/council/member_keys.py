"""The key files of council members, made here or by OpenSSH (ed25519). `logbook.log_keys` are those of the log."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from regard.files import make_private
from regard.ledger.tree.notes import KeyFormatError, Kind, Signer, Verifier
from regard.sealing import read_private

_FIELD = 2**255 - 19
_OPENSSH = ("ssh-", "ecdsa-")


def operator_key(key_file: Path, name: str = "operator", kind: Kind = Kind.NOTE) -> Signer:
    """The key in `key_file`, made on first use. Raises PermissionError when others may read the file."""
    if not key_file.exists():
        make_private(key_file, f"{Signer.generate(name, kind).encode()}\n".encode())
    return read_signer(name, key_file)


def read_signer(name: str, key_file: Path, passphrase: bytes | None = None) -> Signer:
    """A member's key: a file of `regard council keygen`, or an OpenSSH ed25519 key.

    Raises KeyFormatError, and PermissionError when others may read the file.
    """
    data = read_private(key_file)
    if data.startswith(b"PRIVATE+KEY+"):
        return Signer.parse(data.decode().strip())
    return Signer.from_openssh(name, data, passphrase)


def read_public(name: str, text: str) -> Verifier:
    """A member's public key: the text form of a note verifier, or an OpenSSH line. Raises KeyFormatError."""
    text = text.strip()
    if text.startswith("sk-"):
        raise KeyFormatError(
            "a security key (sk-ssh-…) signs another message than a note and cannot vote. Make a key of your own with "
            "`regard council keygen`, or `ssh-keygen -t ed25519`."
        )
    if text.startswith("---- BEGIN SSH2 PUBLIC KEY"):
        raise KeyFormatError(
            "this public key is in the form of RFC 4716. `ssh-keygen -i -f FILE` prints it as OpenSSH does: give that."
        )
    return Verifier.from_openssh(name, text.encode()) if text.startswith(_OPENSSH) else Verifier.parse(text)


def sealing_key(verifier: Verifier) -> X25519PublicKey:
    """The key that something is sealed to for a member: the same point, on the curve of X25519 (RFC 7748, 4.1).

    The council voted for the member's key, so that nobody has to vouch for another one. That one key signs and opens
    is safe here, and what age does with `ssh-ed25519` keys.
    """
    y = int.from_bytes(verifier.public, "little") & (1 << 255) - 1
    u = (1 + y) * pow(1 - y, -1, _FIELD) % _FIELD
    return X25519PublicKey.from_public_bytes(u.to_bytes(32, "little"))


def opening_key(signer: Signer) -> X25519PrivateKey:
    """The private half of :func:`sealing_key` (RFC 8032, 5.1.5)."""
    return X25519PrivateKey.from_private_bytes(hashlib.sha512(signer.seed).digest()[:32])
