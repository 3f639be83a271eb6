from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from regard.stewardship.parties.edges import EdgeKind
from regard.stewardship.parties.imports import (
    Report,
    UnreadableRow,
    load,
    read_csv,
    read_follow_the_money,
    read_usaspending,
)
from regard.stewardship.parties.organization import Standing
from tests.helpers.stewarding import Stewardship


@pytest.fixture
def room(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path)


CSV = """name,sector,aliases,identifiers,jurisdictions,supplies,owned_by
Acme,technology,ACME Inc;Acme Labs,uei:A1,us;ca,Beta,Holding
Beta,retail,,duns:77,,,
Holding,finance,,,,Nobody we know,
,retail,,,,,
Wizards,sorcery,,,,,
Gamma,retail,,broken,,,
"""


def test_a_csv_is_read_and_what_was_not_is_told_by_row(room: Stewardship, tmp_path: Path) -> None:
    (tmp_path / "partners.csv").write_text(CSV)
    seen: list[int] = []
    report = load(room.organizations, read_csv(tmp_path / "partners.csv", seen.append))
    assert [each.name for each in report.new] == ["Acme", "Beta", "Holding"]
    assert report.ties == 2
    assert {row for row, _ in report.unread} == {4, 5, 6, 7}
    assert seen == list(range(1, 7))
    kinds = {edge.kind for edge in room.organizations.edges.all()}
    assert kinds == {EdgeKind.SUPPLIES, EdgeKind.OWNED_BY}
    assert {edge.evidence for edge in room.organizations.edges.all()} == {"CSV partners.csv"}


def test_a_dry_run_reports_the_same_and_changes_nothing(room: Stewardship, tmp_path: Path) -> None:
    (tmp_path / "partners.csv").write_text(CSV)
    report = load(room.organizations, read_csv(tmp_path / "partners.csv"), dry_run=True)
    assert (len(report.new), report.ties) == (3, 2)
    assert room.organizations.all() == []


def test_the_same_file_again_changes_nothing(room: Stewardship, tmp_path: Path) -> None:
    (tmp_path / "partners.csv").write_text(CSV)
    load(room.organizations, read_csv(tmp_path / "partners.csv"))
    again = load(room.organizations, read_csv(tmp_path / "partners.csv"))
    assert (len(again.new), again.known, again.ties) == (0, 3, 0)


def test_a_csv_without_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UnreadableRow, match="no column name"):
        read_csv(tmp_path / "x.csv")


def test_awards_make_suppliers_of_the_agencies_that_paid(room: Stewardship, tmp_path: Path) -> None:
    columns = (
        "recipient_name,recipient_uei,recipient_parent_name,recipient_parent_uei,"
        "awarding_sub_agency_code,awarding_sub_agency_name,naics_code"
    )
    rows = [
        "WIDGETS LLC,W1,BIG WIDGETS INC,W0,7012,U.S. Immigration and Customs Enforcement,541511",
        "WIDGETS LLC,W1,,,1400,National Park Service,541511",
        "NOBODY,,,,,,",
    ]
    (tmp_path / "awards.csv").write_text("\n".join([columns, *rows]))
    report = load(room.organizations, read_usaspending(tmp_path / "awards.csv"))
    sectors = {each.name: each.sector for each in report.new}
    assert sectors["U.S. Immigration and Customs Enforcement"] == "immigration-enforcement"
    assert sectors["National Park Service"] == "government"
    assert (report.rows, report.ties, len(report.unread)) == (3, 3, 1)
    widgets = next(each for each in report.new if each.name == "WIDGETS LLC")
    caller = room.organizations.issue_key(widgets.id, "photo-library").caller
    assert room.rule(caller) == "no-immigration-enforcement"


def test_follow_the_money_brings_ownership_and_contracts(room: Stewardship, tmp_path: Path) -> None:
    entities = [
        {"id": "c1", "schema": "Company", "properties": {"name": ["Widgets", "Widgets BV"], "leiCode": ["L1"]}},
        {"id": "c2", "schema": "Company", "properties": {"name": ["Big Widgets"], "country": ["nl"]}},
        {"id": "p1", "schema": "PublicBody", "properties": {"name": ["Frontex"]}},
        {"id": "o1", "schema": "Ownership", "properties": {"owner": ["c2"], "asset": ["c1"]}},
        {"id": "k1", "schema": "Contract", "properties": {"authority": ["p1"]}},
        {"id": "a1", "schema": "ContractAward", "properties": {"supplier": ["c1"], "contract": ["k1"]}},
        {"id": "x1", "schema": "Person", "properties": {"name": ["Somebody"]}},
        {"id": "o2", "schema": "Ownership", "properties": {"owner": ["gone"], "asset": ["c1"]}},
        {"id": "n1", "schema": "Company", "properties": {}},
    ]
    lines = [json.dumps(entity) for entity in entities] + ["{half", "[]"]
    (tmp_path / "net.ftm.json").write_text("\n".join(lines))
    report = load(room.organizations, read_follow_the_money(tmp_path / "net.ftm.json"))
    assert [each.name for each in report.new] == ["Widgets", "Big Widgets", "Frontex"]
    assert report.ties == 2
    assert {row for row, _ in report.unread} == {7, 8, 9, 10, 11}
    assert report.under_review == ("Frontex",)
    frontex = next(each for each in room.organizations.all() if each.name == "Frontex")
    assert frontex.standing is Standing.REVIEW
    assert room.organizations.admission.reviews()[0].evidence[0]["resembles"].startswith("European Border")


def _import(room: Stewardship, folder: Path, rows: str) -> Report:
    (folder / "more.csv").write_text(f"name,sector,aliases,identifiers\n{rows}\n")
    return load(room.organizations, read_csv(folder / "more.csv"))


def test_what_a_file_says_of_somebody_who_is_known_is_added_and_judged(room: Stewardship, tmp_path: Path) -> None:
    gamma = room.organizations.register("Gamma Works", "other", identifiers=[("uei", "G1")])
    plain = _import(room, tmp_path, "GAMMA WORKS LLC,other,Gamma Tools,uei:g1;lei:77")
    assert (plain.known, plain.changed, plain.under_review) == (1, ("Gamma Works",), ())
    now = room.organizations.get(gamma.id)
    assert (now.aliases, set(now.identifiers)) == (("Gamma Tools",), {("uei", "G1"), ("lei", "77")})
    report = _import(room, tmp_path, "Gamma Works,law-enforcement,ICE,uei:G1;agency-code:7012")
    assert report.under_review == ("Gamma Works",)
    now = room.organizations.get(gamma.id)
    assert (now.standing, now.sector) == (Standing.REVIEW, "other")
    (review,) = room.organizations.admission.reviews()
    assert {hit["by"] for hit in review.evidence} == {"identifier", "name", "sector"}


def test_the_same_file_asks_nobody_again_what_was_judged(room: Stewardship, tmp_path: Path) -> None:
    gamma = room.organizations.register("Gamma Works", "other", identifiers=[("uei", "G1")])
    row = "Gamma Works,law-enforcement,,uei:G1"
    _import(room, tmp_path, row)
    room.organizations.admission.decide(gamma.id, Standing.ADMITTED, "me", "another office of that name")
    again = _import(room, tmp_path, row)
    assert (again.changed, again.under_review) == ((), ())
    assert room.organizations.get(gamma.id).standing is Standing.ADMITTED


def test_a_name_under_another_identifier_waits_for_a_person_on_both_sides(room: Stewardship, tmp_path: Path) -> None:
    kilo = room.organizations.register("Kilo Integrators", "technology")
    _import(room, tmp_path, "KILO INTEGRATORS,other,,uei:K1")
    standings = {each.name: each.standing for each in room.organizations.all()}
    assert standings == {"Kilo Integrators": Standing.REVIEW, "KILO INTEGRATORS": Standing.REVIEW}
    lima = room.organizations.register("Lima", "technology", identifiers=[("uei", "L1")])
    _import(room, tmp_path, "Lima,other,,uei:L2")
    assert room.organizations.get(lima.id).standing is Standing.ADMITTED
    assert room.organizations.get(kilo.id).standing is Standing.REVIEW


HIDDEN = "\u202e\u200b\x07"


def test_imported_names_lose_control_and_bidi_characters(room: Stewardship, tmp_path: Path) -> None:
    columns = "recipient_name,recipient_uei,awarding_sub_agency_code,awarding_sub_agency_name"
    (tmp_path / "awards.csv").write_text(f"{columns}\nWid{HIDDEN}gets,W{HIDDEN}1,1400,National{HIDDEN} Parks\n")
    head = "name,aliases,identifiers,jurisdictions,supplies"
    row = f"Ac{HIDDEN}me,A{HIDDEN}C,uei:A{HIDDEN}1,u{HIDDEN}s,Be\u2066ta"
    (tmp_path / "partners.csv").write_text(f"{head}\n{row}\nBeta,,,,\n")
    entities = [
        {"id": f"c{HIDDEN}1", "schema": "Company", "properties": {"name": [f"Big{HIDDEN}"], "alias": [f"B{HIDDEN}"]}},
        {"id": "c2", "schema": "Company", "properties": {"name": ["Small"], "leiCode": [f"L{HIDDEN}1"]}},
        {"id": "o1", "schema": "Ownership", "properties": {"owner": [f"c{HIDDEN}1"], "asset": ["c2"]}},
    ]
    (tmp_path / f"en{HIDDEN}tities").write_text("\n".join(map(json.dumps, entities)))
    for read, name in (
        (read_usaspending, "awards.csv"),
        (read_csv, "partners.csv"),
        (read_follow_the_money, f"en{HIDDEN}tities"),
    ):
        report = load(room.organizations, read(tmp_path / name))
        assert (len(report.new), report.ties, report.unread) == (2, 1, ())
    found = room.organizations.all()
    assert {each.name for each in found} == {"Widgets", "National Parks", "Acme", "Beta", "Big", "Small"}
    told = json.dumps([msgspec.to_builtins(each) for each in (*found, *room.organizations.edges.all())])
    assert "\\u" not in told


def test_a_watched_name_is_found_however_it_is_parted_unseen(room: Stewardship, tmp_path: Path) -> None:
    (tmp_path / "partners.csv").write_text(f"name\nImmi{HIDDEN}gration and Customs Enfor\u200bcement\n")
    assert load(room.organizations, read_csv(tmp_path / "partners.csv")).under_review
    made = room.organizations.register(f"Fron{HIDDEN}tex", "technology", aliases=[f"F{HIDDEN}X"])
    assert (made.name, made.aliases, made.standing) == ("Frontex", ("FX",), Standing.REVIEW)
    renamed = room.organizations.change(made.id, name=f"Be{HIDDEN}ta", aliases=[f"B{HIDDEN}"])
    assert (renamed.name, renamed.aliases) == ("Beta", ("B",))


@pytest.mark.parametrize("properties", [None, [], "name", {"name": 1}])
def test_an_entity_without_properties_is_told_as_not_read(tmp_path: Path, properties: object) -> None:
    line = json.dumps({"id": "c1", "schema": "Company", "properties": properties})
    (tmp_path / "entities").write_text(line)
    batch = read_follow_the_money(tmp_path / "entities")
    assert ([row for row, _ in batch.unread], batch.drafts) == ([1], {})
