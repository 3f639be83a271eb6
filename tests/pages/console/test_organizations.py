"""The page of organizations: who gets no face operation, and by which way."""

from __future__ import annotations

import re

from regard.stewardship.parties.edges import Edge, EdgeKind
from tests.helpers.consoled import Console


def test_the_way_to_a_refusal_is_marked(console: Console) -> None:
    organizations = console.office.organizations
    middle = organizations.register("The hands between", "technology").id
    police = organizations.register("City police", "law-enforcement").id
    organizations.edges.add(Edge(console.organization, EdgeKind.SUPPLIES, middle, "declared"))
    organizations.edges.add(Edge(middle, EdgeKind.SUPPLIES, police, "an import"))
    text = console.somebody().get("/console/organizations").text
    assert "3 of 3 get no face operation" in text
    assert re.search("law enforcement</strong>: Operator of this service → The hands between → City police", text)
    assert text.count('<strong class="bad">yes</strong>') == 2
    organizations.issue_key(middle, "development")
    other = console.somebody("ben", organization=middle).get("/console/organizations").text
    assert "Operator of this service → " not in other
