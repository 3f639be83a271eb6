"""Pictures as a grid, and tables that lead to it, as HTML without scripts; the pictures are in the page, small."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from regard.custom.workbench.groups import Group, Matrix
from regard.custom.workbench.kept import Asked, Results
from regard.custom.workbench.outlines import in_words
from regard.vision.pictures.images import ImageError, decode

# Pixels of the longer side, of a picture in a page.
SIDE = 96
# Pictures of a group that are in the page; of those that are right fewer say enough.
MOST_WRONG, MOST_RIGHT = 60, 12
TOLD = ' class="told"'


class Small(NamedTuple):
    """A picture as it is in a page: a data address, and its pixels."""

    data: str
    width: int
    height: int


def key() -> str:
    """What the lines of boxes mean."""
    lines = {"": "a solid line: what is there.", TOLD: "a dashed line: what the model tells."}
    drawn = '<rect{} x="6" y="6" width="28" height="12"/>'
    told = (
        f'<svg class="key" viewBox="0 0 40 24" aria-hidden="true">{drawn.format(kind)}</svg> {words}'
        for kind, words in lines.items()
    )
    return f"<p>{' '.join(told)}</p>"


def grid(group: Group, results: Results) -> str:
    """The pictures of a group under its title, as many as a page takes; how many are left out is said."""
    most = MOST_WRONG if group.wrong else MOST_RIGHT
    return (
        f'<section id="{escape(group.anchor)}"><h3>{escape(group.title)} '
        f"<small>{_count(len(group.pictures))}</small></h3>{pictures(group.pictures, results, most)}</section>"
    )


def pictures(of: Sequence[Asked], results: Results, most: int = MOST_WRONG) -> str:
    """Pictures with what is told of them, the first `most`."""
    items = "".join(_item(each, results) for each in of[:most])
    rest = f"<p>{len(of) - most} more are not in this page.</p>" if len(of) > most else ""
    return f'<ul class="grid">{items}</ul>{rest}'


def linked(matrix: Matrix, caption: str) -> str:
    """The matrix as a table: counts, each a link to its pictures."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in ("shows", *matrix.columns))
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(_cell(each) for each in groups)}</tr>'
        for name, groups in matrix.square
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}"><table><caption>{escape(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def listed(groups: Sequence[Group], head: str, caption: str) -> str:
    """Cells of a matrix that is too large to be read: a line each, whose count is a link to its pictures."""
    rows = "".join(f'<tr><th scope="row">{escape(each.title)}</th>{_cell(each)}</tr>' for each in groups)
    return (
        f'<div class="listed"><table><caption>{escape(caption)}</caption><thead><tr><th scope="col">{escape(head)}</th>'
        f'<th scope="col">pictures</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _cell(group: Group | None) -> str:
    if group is None:
        return '<td class="none">0</td>'
    kind = "wrong" if group.wrong else "right"
    label = f"{_count(len(group.pictures))}: {group.title}"
    return (
        f'<td class="{kind}"><a href="#{escape(group.anchor)}" aria-label="{escape(label)}">'
        f"{len(group.pictures)}</a></td>"
    )


def _count(number: int) -> str:
    return f"{number} picture" if number == 1 else f"{number} pictures"


def _item(picture: Asked, results: Results) -> str:
    name = Path(picture.path).name
    scores = dict(zip(results.names, picture.scores, strict=True))
    sure = max(scores, key=lambda each: scores[each])
    told = ", ".join(f"{each} {100 * scores[each]:.0f}" for each in results.told(picture))
    small = thumbnail(picture.path, picture.digest)
    seen = (
        f'<span class="over"><img src="{small.data}" alt="{escape(", ".join(picture.shows) or "no label")}">'
        f"{_boxes(picture, results, small)}</span>"
        if small
        else '<span class="gone">gone or changed</span>'
    )
    text = told or f"none; nearest {sure} {100 * scores[sure]:.0f}"
    return f"<li>{seen}<span>{escape(text)}</span><small>{escape(name)}</small></li>"


def _boxes(picture: Asked, results: Results, small: Small) -> str:
    """The boxes over a picture, those that were told dashed: nothing where it has none."""
    if not picture.boxes:
        return ""
    rects = "".join(
        f'<rect{"" if each.there else TOLD} x="{each.left * small.width:.5g}" y="{each.top * small.height:.5g}" '
        f'width="{each.width * small.width:.5g}" height="{each.height * small.height:.5g}"/>'
        for each in picture.boxes
    )
    words = escape(in_words(picture.boxes, results.names))
    return f'<svg viewBox="0 0 {small.width} {small.height}" role="img" aria-label="{words}">{rects}</svg>'


@lru_cache(512)
def thumbnail(path: str, digest: str) -> Small | None:
    """A picture on disk, small; None where it is gone, or not the one that was looked at."""
    try:
        data = Path(path).read_bytes()
        if sha256(data).hexdigest() != digest:
            return None
        picture = Image.fromarray(decode(data).pixels)
    except (OSError, ImageError):
        return None
    picture.thumbnail((SIDE, SIDE))
    small = io.BytesIO()
    picture.save(small, "JPEG", quality=70)
    return Small(f"data:image/jpeg;base64,{b64encode(small.getvalue()).decode()}", *picture.size)
