"""The gallery's errors, whose texts are the API's own where clients match them; their codes are in
:mod:`regard.operations.common.errors`.
"""

from __future__ import annotations


class NoSuchCollection(LookupError):
    """The organization has no collection of this name."""

    def __init__(self, collection_id: str) -> None:
        super().__init__(f"The collection id: {collection_id} does not exist")


class TermsChanged(RuntimeError):
    """What a collection stands on was changed behind the service: nothing is answered from it, and nothing added."""

    def __init__(self, collection_id: str) -> None:
        super().__init__(
            f"The tags, the name or the owner of the collection {collection_id} were changed in the database, not by "
            "the service."
        )


class FaceChanged(RuntimeError):
    """A face tells of another person than its template was sealed for: somebody changed the row."""

    def __init__(self, face_id: str) -> None:
        super().__init__(f"The face {face_id} was changed in the database, not by the service: it is told to nobody.")


class CollectionExists(ValueError):
    """The organization has a collection of this name already."""

    def __init__(self, collection_id: str) -> None:
        super().__init__(f"The collection id: {collection_id} already exists.")


class NoSuchFace(LookupError):
    """The collection holds no face with this id."""

    def __init__(self) -> None:
        super().__init__("faceId was not found in the collection")


class NoSuchUser(LookupError):
    """The collection has no user of this name."""

    def __init__(self, user_id: str) -> None:
        super().__init__(f"The user id: {user_id} does not exist.")


class NoSuchFigure(LookupError):
    """The organization enrolled no public figure of this id."""

    def __init__(self, figure_id: str) -> None:
        super().__init__(f"The celebrity id: {figure_id} does not exist.")


class UserExists(ValueError):
    """The collection has a user of this name already."""

    def __init__(self, user_id: str) -> None:
        super().__init__(f"The user id: {user_id} already exists.")


class QuotaExceeded(ValueError):
    """More would be kept than may be; nothing was changed."""


class OtherModel(ValueError):
    """The collection was made with another face model: its templates and the probe cannot be compared."""

    def __init__(self, collection_id: str, pinned: str, running: str) -> None:
        super().__init__(
            f"the collection {collection_id} was made with face model {pinned} and this service runs {running}; "
            "templates of two models cannot be compared. Index the original pictures into a new collection."
        )


class CollectionSealed(LookupError):
    """The council sealed the collection, and too few shares were given since this process started."""

    def __init__(self, seal: str, needed: int, given: int) -> None:
        super().__init__(
            f"The collection is sealed by the council. {needed} of its shares open it until the service stops, "
            f"{given} were given since it started."
        )
        self.seal = seal


class BadPageToken(ValueError):
    """The NextToken is forged, too old, or from another listing."""

    def __init__(self) -> None:
        super().__init__("Invalid Pagination Token")


class TokenReused(ValueError):
    """The ClientRequestToken came before with other parameters."""

    def __init__(self, token: str) -> None:
        super().__init__(f"The ClientRequestToken: {token} you have supplied is already in use.")
