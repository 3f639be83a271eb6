"""Sealing: AES-256-GCM under a key, bound to a context. Knows bytes, not what they mean; many at once are
:mod:`regard.aead`'s.
"""

from __future__ import annotations

import base64
import os
import secrets
import shlex
import subprocess
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

import regard.aead as aead
from regard.aead import KEY_BYTES, NONCE_BYTES, Packed
from regard.files import make_private, replace_private

_COMMAND_SECONDS = 30
# Fewer are done sooner than a compiled loop is read from the disk.
_MANY = 256
_MASTER, _ROOT = "master.key", "root.sealed"


class SealBroken(ValueError):
    """The sealed bytes were changed, belong to another context, or were sealed under another key."""


class SealingKey:
    """One AES-256 key. `context` is authenticated, not kept: what was sealed for a row opens for no other."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a sealing key has {KEY_BYTES} bytes, not {len(key)}")
        self._key = key
        self._cipher = AESGCM(key)

    @classmethod
    def generate(cls) -> bytes:
        """The bytes of a new random key."""
        return secrets.token_bytes(KEY_BYTES)

    def derived(self, purpose: str) -> bytes:
        """Another key of as many bytes, the same each time for the same `purpose` (HKDF-Expand, RFC 5869)."""
        return HKDFExpand(hashes.SHA256(), KEY_BYTES, purpose.encode()).derive(self._key)

    def seal(self, clear: bytes, context: bytes) -> bytes:
        """Nonce, ciphertext and tag: 28 bytes longer than `clear`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, clear, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed. Raises SealBroken."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise SealBroken("the sealed bytes do not open under this key and context") from None


def seal_each(keys: Packed, clear: Packed, contexts: Packed) -> Packed:
    """What :meth:`SealingKey.seal` gives for many, each under a key of its own."""
    if _at_once(keys, clear, contexts):
        return aead.encrypted(keys, clear, contexts, secrets.token_bytes(NONCE_BYTES * len(clear.ends)))
    some = zip(keys.apart(), clear.apart(), contexts.apart(), strict=True)
    return Packed.of([SealingKey(key).seal(*each) for key, *each in some])


def open_each(keys: Packed, sealed: Packed, contexts: Packed) -> Packed:
    """What was sealed, as :meth:`SealingKey.open` gives it, for many. Raises SealBroken where one does not open."""
    if not _at_once(keys, sealed, contexts):
        some = zip(keys.apart(), sealed.apart(), contexts.apart(), strict=True)
        return Packed.of([SealingKey(key).open(*each) for key, *each in some])
    opened = aead.decrypted(keys, sealed, contexts)
    if opened is None:
        raise SealBroken("sealed bytes do not open under their key and context")
    return opened


def _at_once(keys: Packed, texts: Packed, contexts: Packed) -> bool:
    """Whether many are worth a compiled loop. Raises ValueError for keys that are none, or not as many as the rest."""
    if not ((keys.lengths == KEY_BYTES).all() and len(keys.ends) == len(texts.ends) == len(contexts.ends)):
        raise ValueError(f"each of many needs a key of {KEY_BYTES} bytes, a text and a context")
    return len(keys.ends) >= _MANY and aead.available()


class OthersMayRead(PermissionError):
    """Others than its owner may read or write a file with a private key; the text says which, and what to do."""


class NoMasterKey(ValueError):
    """What should give the master key does not; the text says why and never repeats the key."""


def master_key(path: Path, text: str | None = None, command: str | None = None) -> SealingKey:
    """The key in the file `path`, made on first use; only its owner may read it (0600).

    Where they are given, `text` or what the program `command` prints is the key instead, in base64; no file is made.
    Raises PermissionError when the file is readable by others, as :func:`read_private` does; and NoMasterKey.
    """
    if text and command:
        raise NoMasterKey("give the master key or the command that prints it, not both")
    if command:
        return _printed_key(command)
    if text:
        return _key_of(text, "REGARD_MASTER_KEY")
    if not path.exists():
        make_private(path, SealingKey.generate())
    return _read_master_key(path)


def root_key(folder: Path, text: str | None = None, command: str | None = None) -> SealingKey:
    """The key that everything in the data folder `folder` hangs on, sealed under the master key in `root.sealed`.

    Made on first use. A folder from before there was one goes on with its master key as its root. The master key is
    what :func:`master_key` says. Raises NoMasterKey, PermissionError.
    """
    path, file = folder / _ROOT, folder / _MASTER
    if path.exists() and not (text or command or file.exists() or _renewed(file).exists()):
        # One that is made now would open nothing, and lie in the place of the right one.
        raise NoMasterKey(f"{file} is gone, under which {path} is sealed: put it back, or give REGARD_MASTER_KEY")
    master = master_key(file, text, command)
    if not path.exists():
        old = (folder / "keys.db").exists()
        make_private(path, _sealed_root(master, master if old else SealingKey(SealingKey.generate())))
    try:
        return _opened_root(path, master)
    except NoMasterKey:
        # A renewal was broken off after the root had been sealed anew.
        if text or command or not _renewed(file).exists():
            raise
        root = _opened_root(path, _read_master_key(_renewed(file)))
        _renewed(file).replace(file)
        return root


def renew_master(
    folder: Path, text: str | None = None, command: str | None = None, new_command: str | None = None
) -> None:
    """Seal the root key of a data folder under a new master key: what `new_command` prints, else a new file.

    `text` and `command` give the one that counts now, as :func:`root_key` takes them; a file that held it goes. Broken
    off at any moment the folder opens with the old key or with the new one. Raises NoMasterKey, PermissionError.
    """
    if (text or command) and not new_command:
        raise NoMasterKey("the master key is not in a file here: name the program that prints the new one")
    root, file = root_key(folder, text, command), folder / _MASTER
    new = _printed_key(new_command) if new_command else master_key(_renewed(file))
    replace_private(folder / _ROOT, _sealed_root(new, root))
    if not new_command:
        # A service that starts just now may have put it in place.
        with suppress(FileNotFoundError):
            _renewed(file).replace(file)
    elif not (text or command):
        file.unlink()


def _sealed_root(master: SealingKey, root: SealingKey) -> bytes:
    return master.seal(root._key, _ROOT.encode())


def _opened_root(path: Path, master: SealingKey) -> SealingKey:
    try:
        return SealingKey(master.open(path.read_bytes(), _ROOT.encode()))
    except SealBroken:
        raise NoMasterKey(f"{path} was sealed under another master key than this one; give that one") from None


def _renewed(master: Path) -> Path:
    return master.with_name(f"{master.name}.new")


def _printed_key(command: str) -> SealingKey:
    try:
        ran = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, check=True, timeout=_COMMAND_SECONDS)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NoMasterKey(f"REGARD_MASTER_KEY_COMMAND does not give the master key: {error}") from None
    return _key_of(ran.stdout.decode(errors="replace"), "what REGARD_MASTER_KEY_COMMAND prints")


def _key_of(text: str, source: str) -> SealingKey:
    try:
        return SealingKey(base64.b64decode(text.strip(), validate=True))
    except ValueError:
        raise NoMasterKey(f"{source} is no base64 of {KEY_BYTES} bytes; `openssl rand -base64 32` makes one") from None


def read_private(path: Path) -> bytes:
    """The bytes of a file with a private key, which its owner alone may read (0600).

    Raises OthersMayRead when others may: a key that leaked must be noticed, not used.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise OthersMayRead(f"{path} may be read by others: run `chmod 600 {path}`, or replace the key.")
        return file.read()


def _read_master_key(path: Path) -> SealingKey:
    return SealingKey(read_private(path))
