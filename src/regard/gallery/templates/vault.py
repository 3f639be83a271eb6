"""The vault: templates are sealed and opened here and nowhere else, under keys of :mod:`.key_store`.

A template is turned by the rotation of its collection, sealed with AES-256-GCM under the key of its subject, and bound
to its collection and FaceId: it opens as no other face.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.aead import KEY_BYTES, Packed
from regard.gallery.templates.key_store import HOUSE, PICTURES, ROTATION, KeyStore, contexts, open_key_store
from regard.gallery.templates.rotation import rotation
from regard.sealing import SealBroken, SealingKey, open_each, seal_each

_TEMPLATE = np.dtype("<f4")
# How keys for details on people are named, and were before names were digested.
_DETAILS, _NAMED = "details/", "person/"


class Template(NamedTuple):
    """A sealed template and what it is bound to."""

    subject: str
    face_id: str
    sealed: bytes


class Vault:
    """Seals and opens templates. Thread-safe, as long as callers that seal for a collection take turns."""

    def __init__(self, keys: KeyStore) -> None:
        self.keys = keys

    def seal(
        self,
        collection: int,
        faces: Sequence[tuple[str, str]],
        templates: Iterable[NDArray[np.float32]],
        beside: Iterable[str] = (),
    ) -> list[bytes]:
        """The sealed templates, float32 (d,) each, of `faces`, pairs of subject and FaceId. Keys that are missing are
        made, and with those of new subjects the house's keys `beside`. Raises CollectionSealed.
        """
        keys = self.keys.make(collection, {ROTATION, *(subject for subject, _ in faces)}, beside)
        return _sealed(keys, collection, faces, templates)

    def open(self, collection: int, templates: Sequence[Template]) -> dict[str, NDArray[np.float32]]:
        """The templates, (d,), by FaceId, but those whose key was destroyed. Raises SealBroken, CollectionSealed."""
        places, rows = self.open_all(collection, templates)
        return {templates[place].face_id: row for place, row in zip(places, rows, strict=True)}

    def open_all(
        self, collection: int, templates: Sequence[tuple[str, str, bytes]]
    ) -> tuple[list[int], NDArray[np.float32]]:
        """What :meth:`open` gives, for many at once: the places of those that open, and their templates, (n, d)."""
        found, keys = self.keys.find_in_order(collection, [ROTATION, *(subject for subject, _, _ in templates)])
        # Without its rotation no template of a collection is what it was.
        if len(found) < 2 or found[0] != 0:
            return [], np.empty((0, 0), np.float32)
        seed, places = keys.data[:KEY_BYTES].tobytes(), [place - 1 for place in found[1:]]
        keys = Packed(keys.data[KEY_BYTES:], keys.ends[1:] - KEY_BYTES)
        return places, _opened(keys, seed, collection, [templates[place] for place in places])

    def renewed(self, collection: int, templates: Sequence[Template]) -> list[Template]:
        """The templates that open, sealed under new keys and a new rotation, which count after `settle_renewal`."""
        opened = self.open(collection, templates)
        faces = [(template.subject, template.face_id) for template in templates if template.face_id in opened]
        self.keys.destroy(-collection)
        keys = self.keys.make(-collection, {ROTATION, *(subject for subject, _ in faces)})
        sealed = _sealed(keys, collection, faces, [opened[face_id] for _, face_id in faces])
        return [Template(*face, data) for face, data in zip(faces, sealed, strict=True)]

    def settle_renewal(self, collection: int, sample: Template | None) -> None:
        """End a renewal: the new keys count if `sample`, as it is kept now, opens under them; else they are dropped."""
        new = self.keys.find(-collection, self.keys.names(-collection))
        if sample is not None and _opens(new, collection, sample):
            self.keys.replace(collection, new)
        self.keys.destroy(-collection)

    def digest(self, collection: int, data: bytes) -> bytes:
        """A digest of `data` (HMAC-SHA-256) that nobody can test a guess against without the collection's key."""
        return self.digests(collection, [data])[0]

    def digests(self, collection: int, data: Iterable[bytes]) -> list[bytes]:
        """The digests of many."""
        # The house's own is never destroyed: it is read once.
        key = self._house_key if collection == HOUSE else self.keys.make(collection, {PICTURES})[PICTURES]
        return [hmac.digest(key, each, hashlib.sha256) for each in data]

    def person_keys(self, organization: str, people: Iterable[str]) -> list[str]:
        """The names of the house's keys for details on people, which lie sealed beside the log, and outlive the faces.

        They tell nobody who it is.
        """
        named = self.digests(HOUSE, [f"details/{organization}/{whose}".encode() for whose in people])
        return [_DETAILS + name.hex() for name in named]

    def person_key(self, organization: str, whose: str, *, make: bool = False) -> SealingKey | None:
        """The key for details on a person; None when it was destroyed, or never made."""
        return self.key(self.person_keys(organization, [whose])[0], make)

    def destroy_person_key(self, organization: str, whose: str) -> None:
        """Destroy the key for details on a person."""
        self.keys.destroy(HOUSE, [*self.person_keys(organization, [whose]), f"{_NAMED}{organization}/{whose}"])

    def bring_up_to_date(self) -> None:
        """Name the keys for details of people by digests, where they have the names of people in the clear."""
        if named := sorted(self.keys.names(HOUSE, _NAMED)):
            people = [name.removeprefix(_NAMED).partition("/") for name in named]
            new = [self.person_keys(organization, [whose])[0] for organization, _, whose in people]
            self.keys.rename(HOUSE, dict(zip(named, new, strict=True)))

    @cached_property
    def _house_key(self) -> bytes:
        return self.keys.make(HOUSE, {PICTURES})[PICTURES]

    def key(self, name: str, make: bool = False, collection: int = HOUSE) -> SealingKey | None:
        """The key of this name, to seal what is no template; `make` makes one where it is missing.

        None when it was destroyed, or never made.
        """
        keys = self.keys.make(collection, {name}) if make else self.keys.find(collection, {name})
        return SealingKey(keys[name]) if name in keys else None


def open_vault(place: Path | str, root: SealingKey) -> Vault:
    """The vault whose keys are in an SQLite file, made when it is not there, or at a URL."""
    vault = Vault(open_key_store(place, root))
    vault.bring_up_to_date()
    return vault


def _sealed(
    keys: dict[str, bytes], collection: int, faces: Sequence[tuple[str, str]], templates: Iterable[NDArray[np.float32]]
) -> list[bytes]:
    rows = np.array(list(templates), np.float32)
    if not len(rows):
        return []
    turned = (rows @ rotation(keys[ROTATION], rows.shape[1])).astype(_TEMPLATE)
    bound = contexts("template", collection, [face_id for _, face_id in faces])
    clear = Packed(turned.view(np.uint8).ravel(), np.arange(1, len(turned) + 1) * turned[0].nbytes)
    return seal_each(Packed.of([keys[subject] for subject, _ in faces]), clear, bound).apart()


def _opened(
    keys: Packed, seed: bytes, collection: int, templates: Sequence[tuple[str, str, bytes]]
) -> NDArray[np.float32]:
    bound = contexts("template", collection, [face_id for _, face_id, _ in templates])
    opened = open_each(keys, Packed.of([sealed for _, _, sealed in templates]), bound)
    rows = opened.data.view(_TEMPLATE).reshape(len(templates), -1)
    return rows @ rotation(seed, rows.shape[1]).T


def _opens(keys: dict[str, bytes], collection: int, sample: Template) -> bool:
    if sample.subject not in keys:
        return False
    try:
        _opened(Packed.of([keys[sample.subject]]), keys[ROTATION], collection, [sample])
    except SealBroken:
        return False
    return True
