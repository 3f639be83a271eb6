"""ARNs of projects, datasets and versions, read and written. All end in digits, the millisecond they were made in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from regard.custom.errors import NoSuchResource

_NAME = r"[a-zA-Z0-9_.\-]{1,255}"
_PATTERN = re.compile(
    rf"arn:aws[a-z-]*:rekognition:[^:]*:(?P<organization>\d{{12}}):project/(?P<project>{_NAME})/"
    rf"(?:(?:dataset/(?P<dataset>train|test)|version/(?P<version>{_NAME}))/)?(?P<number>\d{{1,18}})"
)


@dataclass(frozen=True, slots=True)
class Arn:
    """What an ARN names: a project by its name, or its dataset or version. `number` are the digits at its end."""

    organization: str
    project: str
    number: int
    dataset: str = ""
    version: str = ""

    @property
    def resource(self) -> str:
        """The ARN behind the account."""
        within = f"dataset/{self.dataset}/" if self.dataset else f"version/{self.version}/" if self.version else ""
        return f"project/{self.project}/{within}{self.number}"


def parse(text: str) -> Arn | None:
    """What an ARN names, None where it is none of a project, a dataset or a version."""
    found = _PATTERN.fullmatch(text)
    if found is None:
        return None
    told = found.groupdict(default="")
    return Arn(told["organization"], told["project"], int(told["number"]), told["dataset"], told["version"])


def own(text: str, organization: str, kind: str) -> Arn:
    """What an ARN of this kind (project, dataset, version) names, if it is the organization's. Raises NoSuchResource.

    Of what other organizations have nothing is said but that it is not here.
    """
    arn = parse(text)
    if arn is None or arn.organization != organization or _kind(arn) != kind:
        raise NoSuchResource(text)
    return arn


def _kind(arn: Arn) -> str:
    return "dataset" if arn.dataset else "version" if arn.version else "project"
