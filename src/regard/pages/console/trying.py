"""Trying an operation on a picture: what a program would get, boxes over the picture, and what the gate did.

The picture is not kept: it comes with the form, goes into memory, and leaves with the page as a `data:` address.
"""

from __future__ import annotations

import base64
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from regard.operations.common.errors import ApiError
from regard.pages.console.desk import OPERATORS, Desk, Visit
from regard.pages.console.findings import drawn, findings, in_words
from regard.stewardship.policy.service_model import service_model
from regard.vision.pictures.images import decode
from regard.wire.protocol import serialize_answer

# What can be tried: the operation, what it asks for besides the picture, and the words on the form.
TRIED: dict[str, tuple[dict[str, Any], str]] = {
    "DetectFaces": ({"Attributes": ["ALL"]}, "Faces: where, and what is told of each"),
    "DetectLabels": ({"MaxLabels": 50}, "Labels: what the picture shows"),
    "DetectText": ({}, "Text: what is written in it"),
    "DetectModerationLabels": ({}, "Moderation: what a moderator would look at"),
    "DetectProtectiveEquipment": ({}, "Equipment: what people wear to protect themselves"),
}
_METHODS = {
    "DetectFaces": "detect_faces",
    "DetectLabels": "detect_labels",
    "DetectText": "detect_text",
    "DetectModerationLabels": "detect_moderation_labels",
    "DetectProtectiveEquipment": "detect_protective_equipment",
}
# A page has 100 KB without its picture; a face with all landmarks has some 3.
MOST_SHOWN = 40_000
_MEDIA = {b"\xff\xd8\xff": "image/jpeg", b"\x89PN": "image/png"}


def trying_pages(desk: Desk) -> list[Route]:
    """The routes."""

    def asked(visit: Visit, status: int = 200, **told: Any) -> Response:
        around: dict[str, Any] = {
            "answer": None,
            "problems": {},
            "operation": visit.given("operation") or "DetectFaces",
        }
        return desk.show(visit, "try.html", status, here="/try", tried=TRIED, **around | told)

    def tried(visit: Visit) -> Response:
        name, file = visit.given("operation"), visit.files.get("picture")
        if name not in TRIED or file is None:
            return asked(visit, 400, problems={"picture": "Choose a JPEG or PNG picture."})
        more, _ = TRIED[name]
        try:
            answer = desk.ask(visit, name, Image={"Bytes": file.data}, **more)
        except ApiError as error:
            if error.code == "AccessDeniedException":
                raise
            return asked(visit, error.status, problems={"picture": f"{error.code}: {error.message}"})
        found, seen = findings(answer), decode(file.data)
        return asked(
            visit,
            answer=_json(name, answer),
            found=found,
            over=drawn(found, seen.width, seen.height),
            picture=f"data:{_MEDIA[file.data[:3]]};base64,{base64.b64encode(file.data).decode()}",
            code=_code(visit, name, more),
            words=in_words(visit.remarks),
            receipt=visit.remarks.get("x-regard-receipt", ""),
        )

    def shown(visit: Visit) -> Response:
        # Nothing is asked of anybody yet: what the form shows is the same for all.
        return asked(visit)

    return [
        desk.page("/try", shown, OPERATORS),
        desk.form("/try", tried, OPERATORS),
    ]


def _json(name: str, answer: dict[str, Any]) -> str:
    """The answer as programs get it, indented; only its beginning where it is long."""
    import msgspec

    body = msgspec.json.format(serialize_answer(service_model().operation_model(name), answer), indent=2).decode()
    return body if len(body) <= MOST_SHOWN else f"{body[:MOST_SHOWN]}\n… {len(body) - MOST_SHOWN:,} characters more"


def _code(visit: Visit, name: str, more: dict[str, Any]) -> str:
    """What a program says to get the same."""
    given = "".join(f", {key}={value!r}" for key, value in more.items())
    return (
        "import boto3\n\n"
        f'client = boto3.client("rekognition", endpoint_url="{visit.place.origin}", region_name="us-east-1")\n'
        f'picture = open("picture.jpg", "rb").read()\n'
        f'answer = client.{_METHODS[name]}(Image={{"Bytes": picture}}{given})\n'
    )
