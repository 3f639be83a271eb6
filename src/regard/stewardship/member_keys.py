"""The keys of council members: files that this program makes, or OpenSSH ed25519 keys."""

from __future__ import annotations

import os
from pathlib import Path

from regard.ledger.notes import Kind, Signer, Verifier


def operator_key(key_file: Path, name: str = "operator", kind: Kind = Kind.NOTE) -> Signer:
    """The key in `key_file`, made on first use."""
    signer = Signer.generate(name, kind)
    try:
        handle = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_signer(name, key_file)
    with os.fdopen(handle, "w") as file:
        file.write(signer.encode() + "\n")
    return signer


def read_signer(name: str, key_file: Path, passphrase: bytes | None = None) -> Signer:
    """A member's key: a file of `regard council keygen`, or an OpenSSH ed25519 key. Raises KeyFormatError."""
    data = key_file.read_bytes()
    if data.startswith(b"PRIVATE+KEY+"):
        return Signer.parse(data.decode().strip())
    return Signer.from_openssh(name, data, passphrase)


def read_public(name: str, text: str) -> Verifier:
    """A member's public key: the text form of a note verifier, or an OpenSSH line. Raises KeyFormatError."""
    text = text.strip()
    return Verifier.from_openssh(name, text.encode()) if text.startswith("ssh-") else Verifier.parse(text)
