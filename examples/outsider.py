"""Check the log without us: nothing but Python, `cryptography` and the log's public key.

    python outsider.py receipt FILE.tlog-proof KEY         the entry that a receipt proves
    python outsider.py count https://HOST/log PERIOD KEY   calls by operation, counted from every entry of a period

KEY is NAME+HASH+KEY as `https://HOST/log/key` gives it. The formats: c2sp.org/tlog-proof, c2sp.org/tlog-tiles,
c2sp.org/tlog-checkpoint and c2sp.org/signed-note; the hashing: RFC 6962.
"""

import json
import re
import sys
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def open_checkpoint(note: str, key: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint; ends unless the log's key signed it."""
    name, key_id, encoded = key.split("+", 2)
    public, (text, _, below) = b64decode(encoded), note.rpartition("\n\n")
    origin, size, root = text.split("\n")[:3]
    if public[:1] != b"\1" or sha256(f"{name}\n".encode() + public).digest()[:4].hex() != key_id:
        sys.exit("this is no Ed25519 verifier key")
    # A period's log is named after the log, and signs with the same key under its own name.
    own_id = sha256(f"{origin}\n".encode() + public).digest()[:4]
    for line in below.splitlines():
        _, by, value = line.split(" ")
        if by == origin and origin.startswith(name) and b64decode(value)[:4] == own_id:
            try:
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(b64decode(value)[4:], f"{text}\n".encode())
            except InvalidSignature:
                sys.exit("the signature is not on this checkpoint")
            return origin, int(size), b64decode(root)
    sys.exit("the log's key did not sign this checkpoint")


def leaf(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


def parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def split(size: int) -> int:
    """How many of `size` entries are on the left of the root: the greatest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def root_of(node: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root of a tree of `size` leaves with `node` at `index`, whose neighbours hash to `proof`."""
    if not 0 <= index < size or (not proof and size > 1):
        sys.exit(f"a tree of {size} has no entry {index} with such a proof")
    if size == 1:
        return node
    *below, beside = proof
    if index < split(size):
        return parent(root_of(node, index, split(size), below), beside)
    return parent(beside, root_of(node, index - split(size), size - split(size), below))


def root_of_all(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    return parent(root_of_all(leaves[: split(len(leaves))]), root_of_all(leaves[split(len(leaves)) :]))


def read_entries(log: str, size: int) -> Iterator[bytes]:
    """All entries of a log, from its bundles of up to 256: number 1234067 lies at x001/x234/067."""
    for number in range(-(-size // 256)):
        *above, last = re.findall("...", str(number).zfill(len(str(number)) + -len(str(number)) % 3))
        place, width = "".join(f"x{part}/" for part in above) + last, min(256, size - 256 * number)
        try:
            data = fetch(f"{log}/tile/entries/{place}" + (f".p/{width}" if width < 256 else ""))
        except HTTPError:
            # A partial bundle gives way to the full one at the same place.
            data = fetch(f"{log}/tile/entries/{place}")
        for _ in range(width):
            end = 2 + int.from_bytes(data[:2], "big")
            yield data[2:end]
            data = data[end:]


def fetch(address: str) -> bytes:
    with urlopen(address, timeout=30) as answer:
        return bytes(answer.read())


def receipt(file: str, key: str) -> None:
    head, _, note = Path(file).read_text().partition("\n\n")
    first, extra, index, *proof = head.split("\n")
    if first != "c2sp.org/tlog-proof@v1":
        sys.exit("this is no receipt")
    origin, size, root = open_checkpoint(note, key)
    entry = b64decode(extra.removeprefix("extra "))
    place = int(index.removeprefix("index "))
    if root_of(leaf(entry), place, size, [b64decode(line) for line in proof]) != root:
        sys.exit("the entry is not in the log that was signed")
    print(f"Entry {place} of the {size} in {origin}:\n{entry.decode()}")


def count(log: str, period: str, key: str) -> None:
    address = f"{log.rstrip('/')}/{period}"
    origin, size, root = open_checkpoint(fetch(f"{address}/checkpoint").decode(), key)
    entries = list(read_entries(address, size))
    if root_of_all([leaf(entry) for entry in entries]) != root:
        sys.exit("the entries are not those that were signed")
    calls = [each for each in map(json.loads, entries) if each["kind"] == "regard/call"]
    counts = Counter((each["purpose"] == "development", each["operation"]) for each in calls)
    print(f"{origin}: {size} entries, all signed for. Calls by operation, as the report of the period has them:")
    for (development, operation), number in sorted(counts.items()):
        print(f"{number:8} {operation}{' (for development)' if development else ''}")


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {"receipt": receipt, "count": count}
    commands[sys.argv[1]](*sys.argv[2:])
