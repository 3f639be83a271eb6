"""Searching a collection for whom a picture shows, each match with its worth at that collection's size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from regard.operations.common.errors import ApiError
from regard.pages.console.desk import OPERATORS, Desk, Visit
from regard.pages.console.findings import in_words
from regard.vision.faces.similarity import calibration

_OPERATION = "SearchFacesByImage"
_MOST_CASE = 200


@dataclass(frozen=True, slots=True)
class Match:
    """Somebody like the one in the picture. `searches` is how many searches have one false match this good."""

    name: str
    face_id: str
    similarity: float
    searches: str


def searching_pages(desk: Desk) -> list[Route]:
    """The routes."""

    def asked(visit: Visit, status: int = 200, **told: Any) -> Response:
        listed = desk.ask(visit, "ListCollections", MaxResults=1000)["CollectionIds"]
        around: dict[str, Any] = {"searched": False, "problems": {}}
        fields = {"collection": visit.given("collection"), "case": visit.given("case")}
        return desk.show(visit, "search.html", status, here="/search", collections=listed, **around | fields | told)

    def search(visit: Visit) -> Response:
        collection, case, file = visit.given("collection"), visit.given("case"), visit.files.get("picture")
        problems = {} if file else {"picture": "Choose a JPEG or PNG picture."}
        problems |= {} if collection else {"collection": "Choose a collection."}
        if not case or len(case) > _MOST_CASE:
            problems["case"] = f"Say what this search is for, in at most {_MOST_CASE} characters."
        if problems or file is None:
            return asked(visit, 400, problems=problems)
        assert visit.key is not None
        desk.reception.staff.note_search(visit.session.person, visit.key.access_key_id)
        try:
            size = desk.ask(visit, "DescribeCollection", CollectionId=collection)
            told = desk.ask(visit, _OPERATION, case, CollectionId=collection, Image={"Bytes": file.data})
        except ApiError as error:
            if error.code == "AccessDeniedException":
                raise
            return asked(visit, error.status, problems={"picture": f"{error.code}: {error.message}"})
        words = in_words(visit.remarks)
        matches = [_match(each, size["FaceCount"], size["FaceModelVersion"]) for each in told["FaceMatches"]]
        return asked(visit, searched=True, matches=matches, faces=size["FaceCount"], words=words)

    return [
        desk.page("/search", asked, OPERATORS),
        desk.form("/search", search, OPERATORS),
    ]


def _match(told: dict[str, Any], faces: int, face_model: str) -> Match:
    face, similarity = told["Face"], told["Similarity"]
    name = face.get("ExternalImageId", "no name")
    return Match(name, face["FaceId"], similarity, searches(similarity, faces, face_model))


def searches(similarity: float, faces: int, face_model: str) -> str:
    """How many searches for strangers have one false match this good among so many faces, in words.

    By the calibration in force (docs/accuracy.md): the share of pairs of people who reach the similarity, for each
    face. Beyond its last point it is said to be more than there.
    """
    curve = calibration(face_model)
    last = curve.points[-1].similarity
    often = 1 / max(faces, 1) / curve.false_match_rate(min(similarity, last))
    number = f"{_rounded(often):,}" if often >= 1 else "1"
    return f"more than {number}" if similarity > last else number


def _rounded(number: float) -> int:
    """To two digits: the calibration knows no more."""
    return int(float(f"{number:.2g}"))
