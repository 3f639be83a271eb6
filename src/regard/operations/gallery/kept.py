"""Rows of the gallery in the words of the API. Findings of the vision room, :mod:`regard.operations.common.rendering`
renders.
"""

from __future__ import annotations

from typing import Any

from regard.gallery.faces import KeptFace
from regard.gallery.users import KeptUser


def kept_face(face: KeptFace) -> dict[str, Any]:
    """A Face of a collection; ExternalImageId and UserId only where it has them."""
    left, top, width, height = face.box
    told = {
        "FaceId": face.face_id,
        "BoundingBox": {"Left": left, "Top": top, "Width": width, "Height": height},
        "ImageId": face.image_id,
        "ExternalImageId": face.external_image_id,
        "Confidence": face.confidence,
        "IndexFacesModelVersion": face.face_model,
        "UserId": face.user_id,
    }
    return {member: value for member, value in told.items() if value is not None}


def kept_user(user: KeptUser) -> dict[str, str]:
    """A User. It is never UPDATING: its vector is fused from its faces before the answer leaves."""
    return {"UserId": user.user_id, "UserStatus": user_status(user.active)}


def user_status(active: bool) -> str:
    """ACTIVE with faces, CREATED without."""
    return "ACTIVE" if active else "CREATED"
