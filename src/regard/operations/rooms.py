"""The rooms that operations work with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from regard.gallery.gallery import Gallery
from regard.operations.pictures import PictureReader
from regard.stewardship.call import Call
from regard.vision.faces import FaceAnalyzer


@dataclass(frozen=True, slots=True)
class Rooms:
    """Opened once by the composition root and handed to every operation."""

    pictures: PictureReader
    faces: FaceAnalyzer
    gallery: Gallery
    record: Callable[[Connection, Call], None]

    @contextmanager
    def writing(self, call: Call) -> Iterator[Connection]:
        """A transaction of the gallery in which the call is recorded too: what is done and its record are one."""
        with self.gallery.writing() as connection:
            yield connection
            self.record(connection, call)
