"""Consents over HTTP: signed like the rest, or with a person's token; and what boto3 meets without one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from regard.ledger.tree.notes import Signer, sign_note
from regard.settings import Settings
from regard.stewardship.office import Office, open_office
from regard.stewardship.parties.keys import DAY, AccessKey
from regard.stewardship.people.consent import NewConsent, Notice
from regard.stewardship.people.consents import Consents
from regard.stewardship.people.subject_tokens import SubjectTokens
from tests.helpers.own_client import OwnClient
from tests.helpers.running import Running, running
from tests.vision.pictures.test_credentials import forbidding

NOTICE = {"version": "2026-03", "language": "en", "sha256": "ab" * 32}


class Club:
    """An organization with a collection on consent, in a running service."""

    def __init__(self, service: Running, office: Office, name: str) -> None:
        made = office.organizations.register(name, "other")
        self.key: AccessKey = office.organizations.issue_key(made.id, "photo-library")
        self.service = service
        self.ask = OwnClient(service.url, self.key.access_key_id, self.key.secret)
        session = boto3.session.Session(self.key.access_key_id, self.key.secret, region_name="us-east-1")
        self.rekognition: Any = session.client("rekognition", endpoint_url=service.url)
        self.rekognition.create_collection(CollectionId="members", Tags={"regard:basis": "consent"})

    def consent(self, subject: str = "alice", **terms: Any) -> dict[str, Any]:
        purpose = {"collection": "members", "purpose": "photo-library"}
        return {"subject": subject, "notice": NOTICE} | purpose | terms

    def token(self, subject: str = "alice") -> OwnClient:
        answer = self.ask("POST", "/subject-tokens", {"subject": subject, "identity_check": "passport seen"})
        assert answer.status_code == 201, answer.text
        return OwnClient(self.service.url, token=answer.json()["token"])

    def index(self, portrait: bytes, subject: str = "alice") -> int:
        answer = self.rekognition.index_faces(
            CollectionId="members", Image={"Bytes": portrait}, ExternalImageId=subject
        )
        return len(answer["FaceRecords"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Office]]:
    folder: Path = tmp_path_factory.mktemp("people")
    with running(folder) as service:
        yield service, open_office(Settings(data_dir=folder))


@pytest.fixture
def club(house: tuple[Running, Office], request: pytest.FixtureRequest) -> Club:
    return Club(*house, request.node.name)


def test_a_receipt_lets_its_person_in_until_it_is_withdrawn(club: Club, portrait: bytes) -> None:
    with pytest.raises(ClientError) as error:
        club.index(portrait)
    assert "[consent-needs-receipt]" in error.value.response["Error"]["Message"]
    receipt = club.ask("POST", "/consents", club.consent())
    assert receipt.status_code == 201, receipt.text
    assert receipt.headers["x-regard-entry"]
    assert club.index(portrait) == 1
    receipt_id = receipt.json()["consent"]["receipt_id"]
    assert len(club.ask("GET", "/consents").json()["receipts"]) == 1
    assert club.ask("GET", f"/consents?after={receipt_id}").json() == {"receipts": []}
    assert club.ask("GET", "/consents?after=nonsense").status_code == 404
    withdrawn = club.ask("POST", f"/consents/{receipt_id}/withdrawal")
    assert withdrawn.json()["withdrawn"]
    with pytest.raises(ClientError, match="consent-needs-receipt"):
        club.index(portrait)


def test_every_denial_through_boto3_names_the_receipt_that_is_missing_and_the_command(
    club: Club, house: tuple[Running, Office], portrait: bytes
) -> None:
    def denied(subject: str | None, picture: bytes = portrait) -> str:
        named = {"ExternalImageId": subject} if subject else {}
        with pytest.raises(ClientError) as error:
            club.rekognition.index_faces(CollectionId="members", Image={"Bytes": picture}, **named)
        assert error.value.response["Error"]["Code"] == "AccessDeniedException"
        return str(error.value.response["Error"]["Message"])

    def given(**terms: Any) -> str:
        answer = club.ask("POST", "/consents", club.consent("eve", **terms))
        return str(answer.json()["consent"]["receipt_id"])

    adds = "`regard consent add eve --collection members --purpose photo-library --notice FILE` adds it."
    assert adds in denied("eve")
    given(collection="others")
    given(purpose="access-control")
    office = house[1]
    last_year = Consents(office.engine, office.logbook, clock=lambda: time.time() - 400 * DAY)
    asked = NewConsent("eve", "members", "photo-library", Notice("1", "en", "ab" * 32))
    drawn = last_year.draw_up(club.key.caller.organization, asked)
    last_year.attest(club.key.caller, drawn)
    club.ask("POST", f"/consents/{given()}/withdrawal")
    said = denied("eve")
    for part in ("collection others", "purpose access-control", "expired on", "was withdrawn on", adds):
        assert part in said, said
    assert "give the ExternalImageId of the person pictured" in denied(None)
    given()
    assert "[content-credentials]" in denied("eve", portrait[:2] + forbidding() + portrait[2:])
    assert club.index(portrait, "eve") == 1
    assert club.ask("POST", "/subjects/eve/erasure").status_code == 200
    assert adds in denied("eve")


def test_a_person_signs_with_their_own_key_and_a_token(club: Club) -> None:
    alice, token = Signer.generate("alice"), club.token()
    text = token("POST", "/consents/text", club.consent()).json()["text"]
    signed = {"note": sign_note(text, [alice]).decode(), "subject_key": str(alice.verifier)}
    receipt = token("POST", "/consents/signed", signed)
    assert receipt.status_code == 201, receipt.text
    assert receipt.json()["proof"]["kind"] == "subject-key"
    assert receipt.json()["proof"]["identity_check"] == "passport seen"
    again = token("GET", "/consents")
    assert (again.status_code, "used before" in again.json()["cause"]) == (403, True)
    assert len(club.token()("GET", "/consents").json()["receipts"]) == 1


def test_a_token_speaks_for_its_own_person_alone(club: Club) -> None:
    receipt = club.ask("POST", "/consents", club.consent("bob")).json()["consent"]["receipt_id"]
    mallory = club.token("mallory")
    assert mallory("POST", "/consents/text", club.consent("bob")).status_code == 403
    assert mallory("POST", f"/consents/{receipt}/withdrawal").status_code == 403
    assert mallory("POST", "/subject-tokens", {"subject": "bob", "identity_check": "x"}).status_code == 403
    assert mallory("GET", "/consents").json() == {"receipts": []}


def test_a_person_reads_what_is_held_on_them_and_has_it_erased(club: Club, portrait: bytes) -> None:
    club.ask("POST", "/consents", club.consent())
    club.index(portrait)
    held = club.token()("GET", "/subjects/alice/export")
    assert held.status_code == 200, held.text
    assert "Faces: 1" in held.json()["text"]
    assert club.token("mallory")("GET", "/subjects/alice/export").status_code == 403
    erased = club.token()("POST", "/subjects/alice/erasure")
    assert (erased.status_code, erased.json()["faces"], erased.json()["receipts"]) == (200, 1, 1)
    receipt = httpx.get(club.service.url + erased.json()["receipt"])
    assert receipt.status_code == 200, receipt.text
    assert receipt.text.startswith("c2sp.org/tlog-proof@v1")
    assert club.rekognition.list_faces(CollectionId="members")["Faces"] == []
    assert "Faces: 0" in club.token()("GET", "/subjects/alice/export").json()["text"]
    club.ask("POST", "/consents", club.consent("bob"))
    answer = club.rekognition.index_faces(CollectionId="members", Image={"Bytes": portrait}, ExternalImageId="bob")
    assert answer["FaceRecords"] == []
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-regard-suppressed"] == "1"


def test_a_refused_organization_reads_nothing_by_a_token_and_its_people_all_but_boxes(
    club: Club, house: tuple[Running, Office], portrait: bytes
) -> None:
    club.ask("POST", "/consents", club.consent())
    club.index(portrait)
    alice, leaver = club.token(), club.token()
    whole = club.token()("GET", "/subjects/alice/export")
    assert whole.headers["x-regard-entry"]
    (face,) = json.loads(whole.json()["json"])["faces"]
    assert {"box", "face_id", "image_id"} <= face.keys()
    organizations = house[1].organizations
    organizations.change(club.key.caller.organization, sector="law-enforcement")
    issued = club.ask("POST", "/subject-tokens", {"subject": "alice", "identity_check": "none"})
    assert (issued.status_code, "[no-law-enforcement]" in issued.json()["cause"]) == (403, True)
    assert issued.headers["x-regard-entry"]
    held = alice("GET", "/subjects/alice/export")
    assert held.status_code == 200, held.text
    assert held.headers["x-regard-receipt"]
    told = json.loads(held.json()["json"])
    assert [each["collection"] for each in told["faces"]] == ["members"]
    assert not [each for each in (*told["faces"], *told["events"]) if {"box", "face_id", "image_id"} & each.keys()]
    assert face["face_id"] not in held.text
    assert leaver("POST", "/subjects/alice/erasure").json()["faces"] == 1
    by_the_operator = SubjectTokens(house[1].engine).issue(club.key.caller, "alice", "passport seen")
    assert OwnClient(club.service.url, token=by_the_operator)("GET", "/consents").status_code == 200


def test_a_key_of_this_machine_alone_opens_no_boxes_to_a_token_from_elsewhere(
    club: Club, house: tuple[Running, Office], portrait: bytes
) -> None:
    club.ask("POST", "/consents", club.consent())
    club.index(portrait)
    near = house[1].organizations.issue_key(club.key.caller.organization, "photo-library", loopback_only=True)

    def told(**through: str) -> set[str]:
        token = SubjectTokens(house[1].engine).issue(near.caller, "alice", "passport seen")
        headers = {"authorization": f"Bearer {token}", **through}
        held = httpx.get(f"{club.service.url}/stewardship/v1/subjects/alice/export", headers=headers)
        (face,) = json.loads(held.json()["json"])["faces"]
        return {"box", "face_id", "image_id"}.intersection(face)

    assert told() == {"box", "face_id", "image_id"}
    for through in ({"x-forwarded-for": "203.0.113.9"}, {"via": "1.1 proxy"}, {"host": "rebound.example"}):
        assert told(**through) == set()


def test_what_a_person_asks_is_told_in_the_log(club: Club) -> None:
    answer = club.token()("GET", "/consents")
    period, index = answer.headers["x-regard-entry"].split("/")
    receipt = httpx.get(f"{club.service.url}/log/{period}/receipts/{index}")
    assert receipt.status_code == 200, receipt.text
    denied = club.token("mallory")("GET", "/subjects/alice/export")
    assert (denied.status_code, bool(denied.headers["x-regard-entry"])) == (403, True)


def test_how_many_are_kept_out_and_how_often_wrongly_is_published(club: Club) -> None:
    published = club.ask("GET", "/suppressions").json()
    assert published.keys() == {"entries", "templates", "other_pictures_refused", "strangers_refused"}


def test_no_organization_sees_the_receipts_of_another(club: Club, house: tuple[Running, Office]) -> None:
    receipt = club.ask("POST", "/consents", club.consent()).json()["consent"]["receipt_id"]
    stranger = Club(*house, "A stranger")
    assert stranger.ask("GET", f"/consents/{receipt}").status_code == 404
    assert stranger.ask("POST", f"/consents/{receipt}/withdrawal").status_code == 404
    assert stranger.ask("GET", "/consents").json() == {"receipts": []}
    assert club.ask("GET", "/consents?subject=alice&collection=members").json()["receipts"]


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"days": 5000}, "1095 days"),
        ({"subject": "a b"}, "subject"),
        ({"notice": {"version": "1"}}, "language"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_what_is_no_consent_is_refused_with_its_cause(club: Club, wrong: dict[str, Any], cause: str) -> None:
    answer = club.ask("POST", "/consents", club.consent() | wrong)
    assert (answer.status_code, cause in answer.json()["cause"]) == (400, True)


def test_a_request_that_is_not_signed_or_for_another_service_is_refused(club: Club) -> None:
    assert httpx.get(f"{club.service.url}/stewardship/v1/consents").status_code == 403
    assert club.ask("GET", "/consents", service="rekognition").status_code == 403
    wrong = OwnClient(club.service.url, club.key.access_key_id, "wrong")
    assert wrong("GET", "/consents").status_code == 403
    assert OwnClient(club.service.url, token="regard-subject-none")("GET", "/consents").status_code == 403


def test_the_api_describes_itself(club: Club) -> None:
    described = httpx.get(f"{club.service.url}/stewardship/v1/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    paths = described["paths"]
    assert paths["/stewardship/v1/consents"].keys() == {"get", "post"}
    assert {"token": []} in paths["/stewardship/v1/consents/signed"]["post"]["security"]
    assert {"NewConsent", "Redaction"} <= described["components"]["schemas"].keys()
    assert paths["/stewardship/v1/redact"].keys() == {"post"}
    assert all(operation["summary"] for path in paths.values() for operation in path.values())
    listed = paths["/stewardship/v1/consents"]["get"]["parameters"]
    assert [(each["name"], each["in"], each["required"]) for each in listed] == [
        ("subject", "query", False),
        ("collection", "query", False),
        ("after", "query", False),
    ]


def test_a_parameter_that_nobody_knows_is_refused(club: Club) -> None:
    answer = club.ask("GET", "/consents?subjcet=alice")
    assert (answer.status_code, "subject, collection" in answer.json()["cause"]) == (400, True)


@pytest.mark.long
def test_a_person_calls_a_match_false_with_a_token(club: Club, portrait: bytes) -> None:
    club.ask("POST", "/consents", club.consent("dora"))
    assert club.index(portrait, "dora") == 1

    def matches() -> list[str]:
        found = club.rekognition.search_faces_by_image(CollectionId="members", Image={"Bytes": portrait})
        return [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]]

    assert "dora" in matches()
    told = json.loads(club.token("dora")("GET", "/subjects/dora/export").json()["json"])
    request = next(event["request_id"] for event in told["events"] if "similarity" in event)
    for body in ({}, {"candidate": "c", "request": request}):
        assert club.ask("POST", "/subjects/dora/mismatches", body).status_code == 400
    assert club.token("alice")("POST", "/subjects/dora/mismatches", {"request": request}).status_code == 403
    answer = club.token("dora")("POST", "/subjects/dora/mismatches", {"request": request})
    assert answer.status_code == 200, answer.text
    assert "dora" not in matches()
