"""Reach: whom what an organization gets can come to, over `edges` and through however many hands.

Supply graphs have cycles, which Cedar refuses in its entities. So the strongly connected components are found
(Tarjan, without recursion: chains are long), and each component gets what its successors reach.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from math import inf


class Reach:
    """Marks that each node of a directed graph can reach. A node reaches itself.

    `marks` are the names on a node, for example the watched sector of an organization; an edge to a node
    without any is followed all the same. `until` are moments, in seconds since 1970, at which something of a node
    ends; the first of those that it reaches counts for a node. Building is linear in nodes and edges.
    """

    def __init__(
        self,
        marks: Mapping[str, Iterable[str]],
        edges: Iterable[tuple[str, str]],
        until: Mapping[str, float] | None = None,
    ) -> None:
        self._until = until or {}
        self._first: dict[str, float] = {}
        self._marks = {node: frozenset(names) for node, names in marks.items()}
        self._next: dict[str, list[str]] = {node: [] for node in self._marks}
        for source, target in edges:
            self._next.setdefault(source, []).append(target)
            self._next.setdefault(target, [])
        self._reached = self._closure()

    def marks(self, node: str) -> frozenset[str]:
        """Every mark that `node` can reach."""
        return self._reached.get(node, frozenset())

    def first(self, node: str) -> float:
        """The first moment at which something ends of what `node` can reach; infinite where nothing does."""
        return self._first.get(node, inf)

    def path(self, node: str, mark: str) -> tuple[str, ...]:
        """A shortest way from `node` to a node with `mark`, both included; empty when there is none."""
        return self.path_to(node, lambda there: mark in self._marks.get(there, ()))

    def path_to(self, node: str, wanted: Callable[[str], bool]) -> tuple[str, ...]:
        """A shortest way from `node` to one that is `wanted`, both included; empty when there is none."""
        came: dict[str, str | None] = {node: None}
        waiting = deque([node])
        while waiting:
            here: str | None = waiting.popleft()
            assert here is not None
            if wanted(here):
                way = []
                while here is not None:
                    way.append(here)
                    here = came[here]
                return tuple(reversed(way))
            for there in self._next.get(here, ()):
                if there not in came:
                    came[there] = here
                    waiting.append(there)
        return ()

    def _closure(self) -> dict[str, frozenset[str]]:
        # Tarjan finds a component only after all those it leads to, so one pass is enough.
        reached: dict[str, frozenset[str]] = {}
        number: dict[str, int] = {}
        low: dict[str, int] = {}
        stack: list[str] = []
        for root in self._next:
            if root in number:
                continue
            work = [(root, iter(self._next[root]))]
            number[root] = low[root] = len(number)
            stack.append(root)
            while work:
                node, rest = work[-1]
                for there in rest:
                    if there not in number:
                        number[there] = low[there] = len(number)
                        stack.append(there)
                        work.append((there, iter(self._next[there])))
                        break
                    if there not in reached:
                        low[node] = min(low[node], number[there])
                else:
                    work.pop()
                    if work:
                        above = work[-1][0]
                        low[above] = min(low[above], low[node])
                    if low[node] == number[node]:
                        self._finish(stack, node, reached)
        return reached

    def _finish(self, stack: list[str], root: str, reached: dict[str, frozenset[str]]) -> None:
        at = len(stack) - 1
        while stack[at] != root:
            at -= 1
        component = stack[at:]
        del stack[at:]
        found: set[str] = set()
        first = inf
        for node in component:
            found |= self._marks.get(node, frozenset())
            first = min(first, self._until.get(node, inf))
            for there in self._next[node]:
                found |= reached.get(there, frozenset())
                first = min(first, self._first.get(there, inf))
        together = frozenset(found)
        for node in component:
            reached[node] = together
            self._first[node] = first
