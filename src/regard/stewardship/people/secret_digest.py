"""The digest by which a secret that is told once is known again: a one-time token's, or a reviewer's."""

from __future__ import annotations

import hashlib


def secret_digest(secret: str) -> bytes:
    """SHA-256 of a secret that this service made."""
    # 256 random bits: nobody finds a secret by trying, so that a plain hash keeps it.
    return hashlib.sha256(secret.encode()).digest()
