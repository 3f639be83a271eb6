"""Where the pictures of a session go: into its row, or into the bucket that was asked for, and out of it again."""

from __future__ import annotations

import logging

from regard.liveness.session import Session, Shot
from regard.operations.common.rooms import Rooms
from regard.stores.errors import BucketRefused, ObjectUnavailable

_JPEG = "image/jpeg"
_log = logging.getLogger(__name__)


class Placing:
    """Of one session. Used from one thread."""

    def __init__(self, session: Session, rooms: Rooms) -> None:
        self._session = session
        self._buckets = rooms.pictures.buckets
        self._written: list[str] = []

    def placed(self, shot: Shot, name: str) -> Shot:
        """The picture as it is kept. Raises what buckets raise."""
        place = self._session.asked.place
        if place is None:
            return shot
        folder = place.prefix if not place.prefix or place.prefix.endswith("/") else f"{place.prefix}/"
        whole = f"{folder}{self._session.id}/{name}.jpg"
        # Written down before: a store that does not answer may have taken it.
        self._written.append(whole)
        self._buckets.write(self._session.organization, place.bucket, whole, shot.data, _JPEG)
        return Shot(name=whole, box=shot.box)

    def take_back(self) -> None:
        """Delete what was written, where the session came to nothing; what the store does not delete is logged."""
        place = self._session.asked.place
        if place is None:
            return
        for name in self._written:
            try:
                self._buckets.remove(self._session.organization, place.bucket, name)
            except (BucketRefused, ObjectUnavailable, OSError) as error:
                _log.warning("a picture of the session %s is left in its bucket: %s", self._session.id, error)
