"""Labels of one's own: projects, their versions, and what a version is worth and confuses, with the pictures.

Each page asks operations of the API, as a program would; the pictures come from the bucket, and stay on no disk here.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from regard.custom.projects import Feature
from regard.pages.console.desk import OPERATORS, PRIVATE, Desk, Visit
from regard.pages.frame import HEADERS
from regard.stewardship.policy.custom_labels import MEANING
from regard.stewardship.staff.staff import Role

if TYPE_CHECKING:
    from regard.custom.workbench.kept import Asked
    from regard.pages.console.labels.words import Compared

MOST_PROJECTS, MOST_VERSIONS, MOST_PICTURES = 50, 20, 24
PATH = "/labels"
_READERS = frozenset({Role.OPERATOR, Role.AUDITOR})
_FEATURES = [str(each) for each in Feature]
Json = dict[str, Any]


def label_pages(desk: Desk) -> list[Route]:
    """The routes."""

    def listed(visit: Visit) -> Response:
        token = visit.given("after") or None
        told = desk.ask(visit, "DescribeProjects", Features=_FEATURES, MaxResults=MOST_PROJECTS, NextToken=token)
        projects = [each | {"name": _name(each["ProjectArn"])} for each in told["ProjectDescriptions"]]
        return desk.show(visit, "labels.html", here=PATH, projects=projects, more=told.get("NextToken", ""))

    def project(visit: Visit) -> Response:
        found, arn = _project(desk, visit)
        token = visit.given("after") or None
        told = desk.ask(visit, "DescribeProjectVersions", ProjectArn=arn, MaxResults=MOST_VERSIONS, NextToken=token)
        versions = [each | {"name": _version(each)} for each in told["ProjectVersionDescriptions"]]
        worth = _worth(desk, visit, arn, [each["name"] for each in versions])
        tags: dict[str, str] = desk.ask(visit, "ListTagsForResource", ResourceArn=arn)["Tags"]
        datasets = [
            desk.ask(visit, "DescribeDataset", DatasetArn=each["DatasetArn"])["DatasetDescription"]
            | {"type": each["DatasetType"]}
            for each in found["Datasets"]
        ]
        return desk.show(
            visit,
            "label_project.html",
            here=PATH,
            project=found,
            versions=versions,
            worth=worth,
            datasets=datasets,
            meanings={key.removeprefix(MEANING): value for key, value in tags.items() if key.startswith(MEANING)},
            tags={key: value for key, value in tags.items() if not key.startswith(MEANING)},
            more=told.get("NextToken", ""),
            day=_day,
        )

    def version(visit: Visit) -> Response:
        # Slow to import: a service need not wait for it.
        from regard.pages.console.labels import words

        found, arn = _project(desk, visit)
        name: str = visit.request.path_params["version"]
        (told,) = desk.ask(visit, "DescribeProjectVersions", ProjectArn=arn, VersionNames=[name])[
            "ProjectVersionDescriptions"
        ] or [None]
        if told is None:
            raise LookupError(f"The project has no version {name}.")
        against = visit.given("against")
        wanted = [name, *([against] if against and against != name else [])]
        worth = _worth(desk, visit, arn, wanted, whole=True)
        around: Json = {"here": PATH, "project": found, "name": name, "version": told, "day": _day}
        if name not in worth:
            return desk.show(visit, "label_version.html", **around, results=None)
        results, view = worth[name], words.View(worth[name])
        versus = words.compared(view, words.View(worth[against])) if against in worth and against != name else None
        others = desk.ask(visit, "DescribeProjectVersions", ProjectArn=arn, MaxResults=MOST_VERSIONS)
        looked = words.chosen(view, visit.given("show"))
        begin = _whole(visit.given("from"))
        page = words.seen_at_once(looked.pictures[begin:], MOST_PICTURES)
        following = begin + len(page)
        small = _pictures(desk, visit, arn, name, [*page, *_changed(versus)])
        return desk.show(
            visit,
            "label_version.html",
            **around,
            **words.about(view, _whole(visit.given("pairs"))),
            looked=looked,
            tiles=words.tiles(results, page, small),
            begin=begin,
            following=following if following < len(looked.pictures) else 0,
            others=[each for each in map(_version, others["ProjectVersionDescriptions"]) if each != name],
            against=versus,
            worse=words.tiles(results, versus.worse, small) if versus else [],
            better=words.tiles(results, versus.better, small) if versus else [],
        )

    def model(visit: Visit) -> Response:
        _, arn = _project(desk, visit)
        name: str = visit.request.path_params["version"]
        files: dict[str, bytes] = desk.ask(visit, "ReadVersionModel", ProjectArn=arn, VersionName=name)["Files"]
        # Names of projects and versions are letters, digits and a few marks.
        kept = {"content-disposition": f'attachment; filename="{visit.request.path_params["project"]}-{name}.zip"'}
        return Response(_packed(files), 200, HEADERS | PRIVATE | kept, "application/zip")

    return [
        desk.page(PATH, listed, _READERS),
        desk.page(f"{PATH}/{{project}}", project, _READERS),
        desk.page(f"{PATH}/{{project}}/{{version}}", version, _READERS),
        desk.page(f"{PATH}/{{project}}/{{version}}/model", model, OPERATORS),
    ]


def _project(desk: Desk, visit: Visit) -> tuple[Json, str]:
    """The description of the project that an address names, and its ARN. Raises LookupError."""
    name: str = visit.request.path_params["project"]
    found = desk.ask(visit, "DescribeProjects", ProjectNames=[name], Features=_FEATURES)["ProjectDescriptions"]
    if not found:
        raise LookupError(f"There is no project {name} of yours.")
    return found[0] | {"name": name}, found[0]["ProjectArn"]


def _worth(desk: Desk, visit: Visit, arn: str, names: Sequence[str], *, whole: bool = False) -> Json:
    """The results of versions, by their names; none of one without a model."""
    from regard.pages.console.labels import words

    if not names:
        return {}
    told = desk.ask(visit, "DescribeVersionResults", ProjectArn=arn, VersionNames=list(names), Whole=whole)["Results"]
    return {name: words.results_in(each) for name, each in told.items()}


def _pictures(desk: Desk, visit: Visit, arn: str, name: str, pictures: Sequence[Asked]) -> dict[str, bytes]:
    if not pictures:
        return {}
    sources = [each.path for each in pictures]
    told = desk.ask(visit, "ReadVersionPictures", ProjectArn=arn, VersionName=name, Pictures=sources)
    found: dict[str, bytes] = told["Pictures"]
    return found


def _packed(files: dict[str, bytes]) -> bytes:
    """Files in a folder of one file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, time.gmtime()[:6]), data, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _changed(versus: Compared | None) -> list[Asked]:
    return [*versus.worse, *versus.better] if versus else []


def _name(arn: str) -> str:
    return arn.split("/")[1]


def _version(told: Json) -> str:
    # As AWS's samples cut it out.
    return str(told["ProjectVersionArn"]).split("/version/")[1].rpartition("/")[0]


def _whole(told: str) -> int:
    return int(told) if told.isascii() and told.isdigit() and len(told) < 8 else 0


def _day(at: Any) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at.timestamp() if hasattr(at, "timestamp") else float(at)))
