"""What seals and opens the lines of one dataset, and names what they are found by: sources, labels and people."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from regard.custom.datasets import Dataset
from regard.custom.errors import CustomChanged
from regard.custom.judged import Judged
from regard.sealing import SealBroken, SealingKey


class Vault:
    """Seals and opens what is in one dataset, and names it by keyed digests."""

    def __init__(self, key: SealingKey, dataset: Dataset) -> None:
        self._key, self.dataset = key, dataset
        self._naming = key.derived("custom/digests")

    def source(self, source: str) -> bytes:
        """What the entry of a source-ref is found by: 32 bytes, other ones in each dataset, as all of them."""
        return self._digest("source", source)

    def label(self, name: str) -> bytes:
        """What a label is found by."""
        return self._digest("label", name)

    def person(self, name: str) -> bytes:
        """What the entries are found by whose lines name a person."""
        return self._digest("person", name)

    def row(self, source: bytes, line: Judged) -> dict[str, Any]:
        """A line as a row, under what its source-ref is found by."""
        told = {"labeled": line.labeled, "wrong": bool(line.errors)}
        sealed = self._key.seal(line.told(), self._context(source, **told))
        return {"dataset": self.dataset.id, "source": source, **told, "named": len(line.people), "sealed": sealed}

    def opened(self, row: Any) -> bytes:
        """The line of a row, as JSON. Raises CustomChanged."""
        return self._open(row.sealed, self._context(bytes(row.source), row.labeled, row.wrong))

    def sealed_name(self, name: str) -> bytes:
        """The name of a label, sealed."""
        return self._key.seal(name.encode(), self._labels_context(self.label(name)))

    def name(self, digest: bytes, sealed: bytes) -> str:
        """The name of a label that was sealed. Raises CustomChanged."""
        return self._open(sealed, self._labels_context(bytes(digest))).decode()

    def _open(self, sealed: bytes, context: bytes) -> bytes:
        try:
            return self._key.open(bytes(sealed), context)
        except SealBroken:
            raise CustomChanged(f"an entry of the dataset {self.dataset.id} was changed in the database") from None

    def _digest(self, what: str, text: str) -> bytes:
        return hmac.digest(self._naming, f"{what}/{text}".encode(), hashlib.sha256)

    def _context(self, source: bytes, labeled: bool, wrong: bool) -> bytes:
        return f"dataset/{self.dataset.id}/entry/{source.hex()}/{int(labeled)}/{int(wrong)}".encode()

    def _labels_context(self, name: bytes) -> bytes:
        return f"dataset/{self.dataset.id}/label/{name.hex()}".encode()
