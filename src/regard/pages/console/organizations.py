"""Organizations and their ties: who supplies whom, and through whose hands a refusal comes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from regard.evaluation.layers import layered
from regard.names import shown
from regard.pages.console.desk import Desk, Visit
from regard.stewardship.council.council import Council
from regard.stewardship.parties.edges import Edge
from regard.stewardship.parties.organization import Organization, Standing
from regard.stewardship.parties.reach import Reach
from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.policy.policy import Policy
from regard.stewardship.staff.staff import Role

MOST_SHOWN, MOST_DRAWN = 100, 40
_LIST = Operation("ListOrganizations", Capability.READ, DataClass.SETTINGS)
_READERS = frozenset({Role.OPERATOR, Role.COUNCIL, Role.AUDITOR})
_REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Row:
    """An organization in the table. `path` leads from it to the one because of which it is refused; empty if none."""

    organization: Organization
    path: tuple[str, ...]
    mark: str


def organization_pages(desk: Desk, council: Council) -> list[Route]:
    """The routes."""

    def shown(visit: Visit) -> Response:
        everybody, edges = desk.organizations.all(), desk.organizations.edges.all()
        rows = _rows(everybody, edges, Policy(council.pack()))
        if not desk.keeps(visit):
            # Whom others supply is theirs to tell.
            rows = [each for each in rows if each.organization.id == visit.organization]
            edges = [each for each in edges if visit.organization in (each.source, each.target)]
        rows.sort(key=lambda each: (not each.path, each.organization.name))
        on_the_way = {pair for each in rows for pair in _pairs(each.path)}
        names = {each.id: each.name for each in everybody}
        return desk.show(
            visit,
            "organizations.html",
            here="/organizations",
            rows=rows[:MOST_SHOWN],
            more=max(0, len(rows) - MOST_SHOWN),
            refused=sum(bool(each.path) for each in rows),
            edges=edges[:MOST_SHOWN],
            names=names,
            drawing=_drawn(edges, names, on_the_way),
            marked=lambda edge: (edge.source, edge.target) in on_the_way or (edge.target, edge.source) in on_the_way,
        )

    return [desk.page("/organizations", shown, _READERS, _LIST)]


def _rows(everybody: list[Organization], edges: list[Edge], policy: Policy) -> list[Row]:
    watched = {name for name, sector in policy.sectors.items() if sector["watched"]}
    marks = {each.id: _marks(each, watched) for each in everybody}
    # As the gate reads them: an owner hands to what it owns as easily as it takes from it.
    ties = [(each.source, each.target) for each in edges]
    ties += [(each.target, each.source) for each in edges if each.kind == "owned-by"]
    reach = Reach(marks, ties)
    found = []
    for each in everybody:
        mark = next(iter(sorted(reach.marks(each.id))), "")
        found.append(Row(each, reach.path(each.id, mark) if mark else (), mark.replace("-", " ")))
    return found


def _drawn(edges: list[Edge], names: dict[str, str], on_the_way: set[tuple[str, str]]) -> Markup:
    """The ties as a picture, empty where there are none, or more of them than one can see."""
    tied = {node for edge in edges for node in (edge.source, edge.target)}
    if not edges or len(tied) > MOST_DRAWN:
        return Markup()
    ties = [(edge.source, edge.target) for edge in edges]
    # A path may go against a tie: what is owned hands to its owner.
    marked = {tie for tie in ties if tie in on_the_way or tie[::-1] in on_the_way}
    named = {node: shown(names[node]) for node in sorted(tied)}
    return Markup(layered("Who supplies or owns whom", named, ties, marked))


def _marks(organization: Organization, watched: set[str]) -> list[str]:
    refused = [_REFUSED] if organization.standing is Standing.REFUSED else []
    return refused + ([organization.sector] if organization.sector in watched else [])


def _pairs(path: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(pairwise(path))
