"""The page for the entries of datasets of custom labels: one is removed, which AWS's API cannot."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.routing import Route

from regard.operations.common.registry import ours
from regard.operations.service import Service
from regard.pages.own import own_page
from regard.pages.people_api import ROOT, Elsewhere
from regard.wire.callers import Callers
from regard.wire.pool import Pool

PATH = f"{ROOT}/datasets/entries/remove"


class Removal(msgspec.Struct, forbid_unknown_fields=True):
    """The source-ref of the entry that is to go, and the ARN of the dataset; without one, all that have it."""

    source_ref: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
    dataset: Annotated[str, msgspec.Meta(min_length=20, max_length=2048)] | None = None


def described() -> Elsewhere:
    """The page, for the description of the API."""
    summary = "Remove one picture from a dataset of labels, or from all. Versions that learned people from it go, too."
    return Elsewhere("POST", PATH.removeprefix(ROOT), ours()["RemoveDatasetEntry"], Removal, summary)


def removal_page(service: Service, callers: Callers, pool: Pool) -> Route:
    """The route."""
    return own_page(PATH, Removal, _parameters, service, callers, pool)


def _parameters(asked: Removal) -> tuple[str, dict[str, Any]]:
    one = {} if asked.dataset is None else {"DatasetArn": asked.dataset}
    return "RemoveDatasetEntry", {"SourceRef": asked.source_ref, **one}
