"""Who stands before whom, as SVG: a directed graph in layers, from left to right, with some ways in it marked.

Layers as Sugiyama has them, without his sorting out of crossings: for a few dozen nodes each beside its neighbours'
mean place is enough.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from html import escape

_WIDE, _HIGH, _GAP, _APART = 170, 28, 60, 16
_LETTERS = 22
Tie = tuple[str, str]


def layered(title: str, names: Mapping[str, str], ties: Iterable[Tie], marked: Collection[Tie] = ()) -> str:
    """A box a node, with its name of `names`, and a line a tie, from source to target.

    Ties that are `marked`, and the nodes at them, have the class `other` beside `line` and `node`. Where ties come
    round in a circle one of them leads back. Raises ValueError where there are no nodes.
    """
    if not names:
        raise ValueError("there are no nodes to draw")
    kept = [tie for tie in dict.fromkeys(ties) if tie[0] in names and tie[1] in names and tie[0] != tie[1]]
    columns = _columns(names, kept)
    at = {
        node: ((_WIDE + _GAP) * column, (_HIGH + _APART) * row + 1)
        for column, nodes in enumerate(columns)
        for row, node in enumerate(nodes)
    }
    width = len(columns) * (_WIDE + _GAP) - _GAP
    # Ties over more than one layer, or back, go below all boxes.
    deep = max(map(len, columns)) * (_HIGH + _APART)
    height = deep + _APART
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><title>{escape(title)}</title>'
    ]
    on_the_way = {node for tie in marked for node in tie}
    for source, target in kept:
        kind = "line other" if (source, target) in marked else "line"
        parts.append(f'<path class="{kind}" d="{_way(at[source], at[target], deep + _APART)}"/>')
    for node, (x, y) in at.items():
        kind, name = "node other" if node in on_the_way else "node", names[node]
        short = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
        parts.append(f'<rect class="{kind}" x="{x + 1}" y="{y}" width="{_WIDE - 2}" height="{_HIGH}" rx="3"/>')
        parts.append(f'<text x="{x + 8}" y="{y + _HIGH / 2 + 4}">{escape(short)}</text>')
    return "".join([*parts, "</svg>"])


def _way(source: tuple[int, int], target: tuple[int, int], deep: float) -> str:
    """The curve of a tie between two boxes, given by their upper left corners."""
    (left, top), (right, bottom) = source, target
    if right - left == _WIDE + _GAP:
        x, y, down = left + _WIDE, top + _HIGH / 2, bottom + _HIGH / 2
        return f"M{x} {y} C{x + _GAP / 2} {y} {right - _GAP / 2} {down} {right} {down}"
    begin, end = left + _WIDE / 2, right + _WIDE / 2
    return f"M{begin} {top + _HIGH} C{begin} {deep} {end} {deep} {end} {bottom + _HIGH}"


def _columns(names: Mapping[str, str], ties: list[Tie]) -> list[list[str]]:
    """The nodes by layer: each stands behind all that lead to it, but for ties that would close a circle."""
    before: dict[str, list[str]] = {node: [] for node in names}
    for source, target in _forward(names, ties):
        before[target].append(source)
    depth: dict[str, int] = {}
    # A node waits until all before it have their layer; without circles that comes for every one.
    while len(depth) < len(names):
        ready = [node for node in names if node not in depth and all(each in depth for each in before[node])]
        depth |= {node: 1 + max((depth[each] for each in before[node]), default=-1) for node in ready}
    columns: list[list[str]] = [[] for _ in range(1 + max(depth.values()))]
    for node in names:
        columns[depth[node]].append(node)
    for column, nodes in enumerate(columns[1:], 1):
        places = {node: row for row, node in enumerate(columns[column - 1])}

        def beside(node: str, places: dict[str, int] = places) -> float:
            known = [places[each] for each in before[node] if each in places]
            return sum(known) / len(known) if known else len(places)

        nodes.sort(key=beside)
    return columns


def _forward(names: Mapping[str, str], ties: list[Tie]) -> list[Tie]:
    """The ties without those that lead back to where the way came from."""
    after: dict[str, list[str]] = {node: [] for node in names}
    for source, target in ties:
        after[source].append(target)
    done, found = set[str](), list[Tie]()
    for root in names:
        if root in done:
            continue
        way, open_ones = [(root, iter(after[root]))], {root}
        while way:
            node, rest = way[-1]
            target = next(rest, "")
            if not target:
                way.pop()
                open_ones.discard(node)
                done.add(node)
            elif target not in open_ones:
                found.append((node, target))
                if target not in done:
                    open_ones.add(target)
                    way.append((target, iter(after[target])))
    return found
