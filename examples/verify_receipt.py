"""Check a receipt without us: nothing but Python, `cryptography` and the log's public key.

    python verify_receipt.py RECEIPT.tlog-proof 'NAME+HASH+KEY'

Prints the entry when the log's signed checkpoint contains it; anything else ends with the reason.
The formats: c2sp.org/tlog-proof, c2sp.org/tlog-checkpoint, c2sp.org/signed-note; the hashing: RFC 6962.
"""

import sys
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def root_of(entry: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root of a tree of `size` entries with `entry` at `index`, whose neighbours hash to `proof`."""
    node, last = sha256(b"\0" + entry).digest(), size - 1
    if not 0 <= index < size:
        sys.exit(f"a tree of {size} has no entry {index}")
    for sibling in proof:
        while index == last and index % 2 == 0 and index > 0:
            # The last node of a row of odd length has no sibling there: it is taken up as it is.
            index, last = index // 2, last // 2
        left, right = (sibling, node) if index % 2 else (node, sibling)
        node = sha256(b"\1" + left + right).digest()
        index, last = index // 2, last // 2
    return node if last == 0 else sys.exit("the proof is too short")


def require_signature(text: str, signatures: list[str], key: str) -> None:
    """End unless one of the lines is a signature of `text` by the log's key."""
    name, key_id, encoded = key.split("+", 2)
    public = b64decode(encoded)
    if public[:1] != b"\1" or sha256(f"{name}\n".encode() + public).digest()[:4].hex() != key_id:
        sys.exit("this is no Ed25519 verifier key")
    for line in signatures:
        _, by, value = line.split(" ")
        if by == name and b64decode(value)[:4].hex() == key_id:
            try:
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(b64decode(value)[4:], text.encode())
            except InvalidSignature:
                sys.exit("the signature is not on this checkpoint")
            return
    sys.exit("the log's key did not sign this checkpoint")


def main(receipt: str, key: str) -> None:
    head, text, signatures = Path(receipt).read_text().split("\n\n")
    first, extra, index, *proof = head.split("\n")
    if first != "c2sp.org/tlog-proof@v1":
        sys.exit("this is no receipt")
    require_signature(text + "\n", signatures.splitlines(), key)
    origin, size, root = text.split("\n")[:3]
    entry = b64decode(extra.removeprefix("extra "))
    place = int(index.removeprefix("index "))
    if root_of(entry, place, int(size), [b64decode(line) for line in proof]) != b64decode(root):
        sys.exit("the entry is not in the log that was signed")
    print(f"Entry {place} of the {size} in {origin}:\n{entry.decode()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
