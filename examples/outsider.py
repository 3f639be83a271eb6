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
from collections.abc import Iterator
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


def parent(*nodes: bytes) -> bytes:
    """The hash above two nodes; the last node of a row of odd length has no sibling and is taken up as it is."""
    return sha256(b"\1" + nodes[0] + nodes[1]).digest() if len(nodes) == 2 else nodes[0]


def root_of(entry: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root of a tree of `size` entries with `entry` at `index`, whose neighbours hash to `proof`."""
    node, last = sha256(b"\0" + entry).digest(), size - 1
    if not 0 <= index < size:
        sys.exit(f"a tree of {size} has no entry {index}")
    for sibling in proof:
        while index == last and index % 2 == 0 and index > 0:
            index, last = index // 2, last // 2
        node = parent(sibling, node) if index % 2 else parent(node, sibling)
        index, last = index // 2, last // 2
    return node if last == 0 else sys.exit("the proof is too short")


def root_of_all(entries: list[bytes]) -> bytes:
    """The root of a tree of these entries."""
    row = [sha256(b"\0" + entry).digest() for entry in entries]
    while len(row) > 1:
        row = [parent(*row[place : place + 2]) for place in range(0, len(row), 2)]
    return row[0] if row else sha256().digest()


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
    if root_of(entry, place, size, [b64decode(line) for line in proof]) != root:
        sys.exit("the entry is not in the log that was signed")
    print(f"Entry {place} of the {size} in {origin}:\n{entry.decode()}")


def count(log: str, period: str, key: str) -> None:
    address = f"{log.rstrip('/')}/{period}"
    origin, size, root = open_checkpoint(fetch(f"{address}/checkpoint").decode(), key)
    entries = list(read_entries(address, size))
    if root_of_all(entries) != root:
        sys.exit("the entries are not those that were signed")
    told = map(json.loads, entries)
    calls = Counter(
        (each["purpose"] == "development", each["operation"]) for each in told if each["kind"] == "regard/call"
    )
    print(f"{origin}: {size} entries, all signed for. Calls by operation, as the report of the period has them:")
    for (development, operation), number in sorted(calls.items()):
        print(f"{number:8} {operation}{' (for development)' if development else ''}")


if __name__ == "__main__":
    {"receipt": receipt, "count": count}[sys.argv[1]](*sys.argv[2:])
