"""The rooms that operations work with."""

from __future__ import annotations

from dataclasses import dataclass

from regard.gallery.gallery import Gallery
from regard.operations.pictures import PictureReader
from regard.vision.faces import FaceAnalyzer


@dataclass(frozen=True, slots=True)
class Rooms:
    """Opened once by the composition root and handed to every operation."""

    pictures: PictureReader
    faces: FaceAnalyzer
    gallery: Gallery
