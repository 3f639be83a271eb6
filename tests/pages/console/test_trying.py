"""The page that tries a picture: what is wrong with one stands beside its field."""

from __future__ import annotations

from tests.helpers.consoled import Console


def test_a_picture_that_is_none_is_told_beside_the_field(console: Console) -> None:
    ada = console.somebody()
    wrong = {"picture": ("a.txt", b"no picture", "text/plain")}
    answer = ada.post("/console/try", {"operation": "DetectFaces"}, files=wrong)
    assert (answer.status_code, "InvalidImageFormatException" in answer.text) == (400, True)
    assert ada.post("/console/try", {"operation": "DeleteCollection"}).status_code == 400
