"""Looking at pictures on every core, with a bar; what is seen, the library says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from regard.commands.common.output import err
from regard.settings import Settings

if TYPE_CHECKING:
    from regard.evaluation.samples.embedding import Found
    from regard.evaluation.samples.pictures_on_disk import Labelled


def looked_at(pictures: Sequence[Labelled], settings: Settings, face: str) -> list[Found]:
    """What each picture gave; `face` says which of a picture's counts. An interrupted run goes on where it stopped."""
    from regard.evaluation.samples.embedding import Choice, embed

    choice = msgspec.convert(face, Choice)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as bars:
        task = bars.add_task("Looking")
        return embed(pictures, settings, choice, lambda done, whole: bars.update(task, completed=done, total=whole))
