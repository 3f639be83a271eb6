"""Pictures as a grid, and tables that lead to it, as HTML without scripts; the pictures are in the page, small."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path

from PIL import Image

from regard.custom.workbench.groups import Group, Matrix
from regard.custom.workbench.kept import Asked, Results
from regard.vision.pictures.images import ImageError, decode

# Pixels of the longer side, of a picture in a page.
SIDE = 96
# Pictures of a group that are in the page; of those that are right fewer say enough.
MOST_WRONG, MOST_RIGHT = 60, 12


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
        f'<img src="{small}" alt="{escape(", ".join(picture.shows) or "no label")}">'
        if small
        else '<span class="gone">gone or changed</span>'
    )
    text = told or f"none; nearest {sure} {100 * scores[sure]:.0f}"
    return f"<li>{seen}<span>{escape(text)}</span><small>{escape(name)}</small></li>"


@lru_cache(512)
def thumbnail(path: str, digest: str) -> str:
    """A picture on disk, small, as a data address; empty where it is gone, or not the one that was looked at."""
    try:
        data = Path(path).read_bytes()
        if sha256(data).hexdigest() != digest:
            return ""
        picture = Image.fromarray(decode(data).pixels)
    except (OSError, ImageError):
        return ""
    picture.thumbnail((SIDE, SIDE))
    small = io.BytesIO()
    picture.save(small, "JPEG", quality=70)
    return f"data:image/jpeg;base64,{b64encode(small.getvalue()).decode()}"
