"""Collections: whose faces are kept, on what basis, for what purpose and how long. No pictures: none is kept."""

from __future__ import annotations

import time
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from regard.pages.console.desk import Desk, Visit
from regard.stewardship.council.collections import BASIS, PURPOSE, RETENTION
from regard.stewardship.staff.staff import Role

_READERS = frozenset({Role.OPERATOR, Role.AUDITOR})
MOST_LISTED, MOST_FACES = 200, 100


def collection_pages(desk: Desk) -> list[Route]:
    """The routes; each asks operations of the API, as a program would."""

    def listed(visit: Visit) -> Response:
        token = visit.given("after") or None
        told = desk.ask(visit, "ListCollections", MaxResults=MOST_LISTED, NextToken=token)
        return desk.show(
            visit,
            "collections.html",
            here="/collections",
            collections=list(zip(told["CollectionIds"], told["FaceModelVersions"], strict=True)),
            more=told.get("NextToken", ""),
        )

    def shown(visit: Visit) -> Response:
        name: str = visit.request.path_params["collection"]
        described = desk.ask(visit, "DescribeCollection", CollectionId=name)
        tags: dict[str, str] = desk.ask(visit, "ListTagsForResource", ResourceArn=described["CollectionARN"])["Tags"]
        token = visit.given("after") or None
        told = desk.ask(visit, "ListFaces", CollectionId=name, MaxResults=MOST_FACES, NextToken=token)
        return desk.show(
            visit,
            "collection.html",
            here="/collections",
            name=name,
            described=described,
            made=time.strftime("%Y-%m-%d", time.gmtime(_seconds(described["CreationTimestamp"]))),
            basis=tags.get(BASIS, ""),
            purpose=tags.get(PURPOSE, ""),
            days=tags.get(RETENTION, ""),
            tags={key: value for key, value in tags.items() if key not in (BASIS, PURPOSE, RETENTION)},
            faces=told["Faces"],
            more=told.get("NextToken", ""),
        )

    return [
        desk.page("/collections", listed, _READERS),
        desk.page("/collections/{collection}", shown, _READERS),
    ]


def _seconds(at: Any) -> float:
    return float(at.timestamp()) if hasattr(at, "timestamp") else float(at)
