"""The three demands through boto3, unchanged, against a running service whose register another process changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from regard.ledger.tree.notes import Signer, sign_note
from regard.settings import Settings
from regard.stewardship.office import open_office
from regard.stewardship.parties.attestations import attest, declaration
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.parties.organizations import Organizations
from regard.vision.faces.faces import VERSIONS
from tests.helpers.running import Running, running

pytestmark = pytest.mark.sqlite("asks a service of its own, whose tables are in a file")

Client = Callable[..., Any]
FACE = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Organizations]]:
    folder: Path = tmp_path_factory.mktemp("house")
    with running(folder) as service:
        yield service, open_office(Settings(data_dir=folder)).organizations


@pytest.fixture
def client(house: tuple[Running, Organizations]) -> Client:
    service, organizations = house

    def made(organization: str, purpose: str = "photo-library") -> Any:
        key = organizations.issue_key(organization, purpose)
        session = boto3.session.Session(key.access_key_id, key.secret, region_name="us-east-1")
        return session.client("rekognition", endpoint_url=service.url)

    return made


@contextmanager
def denied(rule: str) -> Iterator[list[str]]:
    said: list[str] = []
    with pytest.raises(ClientError) as error:
        yield said
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    said.append(error.value.response["Error"]["Message"])
    assert f"[{rule}]" in said[0]


def test_three_hands_above_a_forbidden_customer(
    house: tuple[Running, Organizations], client: Client, portrait: bytes
) -> None:
    organizations, signer, image = house[1], Signer.generate("hands"), {"Bytes": portrait}
    names, until = ("First", "Second", "Third"), 1_000 + int(time.time())
    first, second, third = (
        organizations.register(name, "technology", verifier=str(signer.verifier)).id for name in names
    )
    border = organizations.register("Border guard", "immigration-enforcement").id
    ours = client(first)
    assert ours.detect_faces(Image=image)["FaceDetails"]
    for source, target in ((first, second), (second, third), (third, border)):
        organizations.edges.add(Edge(source, EdgeKind.SUPPLIES, target))
        attest(organizations, source, sign_note(declaration(organizations, source, until), [signer]))
    with denied("no-immigration-enforcement") as said:
        ours.detect_faces(Image=image)
    assert "you → Second → Third → Border guard (immigration enforcement)" in said[0]
    organizations.edges.remove(third, EdgeKind.SUPPLIES, border)
    with denied("attestation-expired") as said:
        ours.detect_faces(Image=image)
    assert "you → Second → Third (not attested)" in said[0]
    attest(organizations, third, sign_note(declaration(organizations, third, until), [signer]))
    assert ours.detect_faces(Image=image)["FaceDetails"]


def test_a_law_enforcement_key_gets_no_face_operation(
    house: tuple[Running, Organizations], client: Client, portrait: bytes
) -> None:
    police = client(house[1].register("City police", "law-enforcement").id)
    image = {"Bytes": portrait}
    calls: list[Callable[[], Any]] = [
        lambda: police.detect_faces(Image=image),
        lambda: police.compare_faces(SourceImage=image, TargetImage=image),
        lambda: police.index_faces(CollectionId="c", Image=image),
        lambda: police.search_faces_by_image(CollectionId="c", Image=image),
        lambda: police.list_faces(CollectionId="c"),
        lambda: police.search_faces(CollectionId="c", FaceId=FACE),
        lambda: police.search_users(CollectionId="c", FaceId=FACE),
        lambda: police.search_users_by_image(CollectionId="c", Image=image),
        lambda: police.create_user(CollectionId="c", UserId="u"),
        lambda: police.list_users(CollectionId="c"),
        lambda: police.associate_faces(CollectionId="c", UserId="u", FaceIds=[FACE]),
    ]
    for call in calls:
        with denied("no-law-enforcement"):
            call()
    assert police.list_collections()["CollectionIds"] == []


def test_anyone_may_read_the_policy_the_charter_and_the_motions(house: tuple[Running, Organizations]) -> None:
    def read(page: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{house[0].url}/stewardship/v1/{page}", headers=headers).raise_for_status()

    policy, charter, motions = (read(page).json() for page in ("policy", "charter", "motions"))
    assert policy["pack"] == "moratorium"
    assert {rule["id"] for rule in policy["rules"]} >= {"no-law-enforcement", "no-emotions"}
    assert all(rule["sentence"] and rule["source"] for rule in policy["rules"])
    assert '@id("no-law-enforcement")' in policy["cedar"]
    assert "entity Organization" in policy["schema"]
    assert charter["alone"]
    assert charter["head"] == charter["genesis"]["hash"]
    assert charter["genesis"]["charter"] == charter["charter"]
    assert [each["hash"] for each in motions["motions"]] == [charter["head"]]
    text = read("policy", Accept="text/plain")
    assert text.headers["content-type"].startswith("text/plain")
    assert policy["hash"] in text.text
    assert policy["rules"][1]["sentence"] in text.text


def test_a_threshold_below_the_floor_is_refused_and_none_is_raised(
    house: tuple[Running, Organizations], client: Client, portrait: bytes
) -> None:
    bank = client(house[1].register("A bank", "finance").id, "identity-verification")
    images = {"SourceImage": {"Bytes": portrait}, "TargetImage": {"Bytes": portrait}}
    with denied("floor-where-rights-are-at-stake"):
        bank.compare_faces(**images, SimilarityThreshold=80)
    headers = bank.compare_faces(**images)["ResponseMetadata"]["HTTPHeaders"]
    assert "raised to 99" in headers["x-regard-threshold"]


def test_emotions_are_withheld_and_the_answer_says_so(house: tuple[Running, Organizations], portrait: bytes) -> None:
    answer = house[0].client().detect_faces(Image={"Bytes": portrait}, Attributes=["ALL"])
    assert answer["FaceDetails"]
    assert all(face["Emotions"] == [] for face in answer["FaceDetails"])


def test_where_rights_are_at_stake_a_collection_is_accurate_unless_its_tag_says_fast(
    house: tuple[Running, Organizations], client: Client, portrait: bytes
) -> None:
    doors = client(house[1].register("A house with doors", "housing").id, "access-control")
    made = doors.create_collection(CollectionId="staff", Tags={"regard:basis": "attested"})
    assert made["FaceModelVersion"] == VERSIONS["accurate"]
    told = made["ResponseMetadata"]["HTTPHeaders"]["x-regard-profile"]
    assert told.startswith("accurate, as rights are at stake for access-control")
    assert doors.list_tags_for_resource(ResourceArn=made["CollectionArn"])["Tags"]["regard:profile"] == "accurate"
    kept = doors.index_faces(CollectionId="staff", Image={"Bytes": portrait})
    assert kept["FaceModelVersion"] == VERSIONS["accurate"]
    assert (
        doors.search_faces_by_image(CollectionId="staff", Image={"Bytes": portrait})["FaceModelVersion"]
        == (VERSIONS["accurate"])
    )
    fast = doors.create_collection(CollectionId="guests", Tags={"regard:basis": "attested", "regard:profile": "fast"})
    assert fast["FaceModelVersion"] == VERSIONS["fast"]
    elsewhere = client(house[1].register("A club of photographers", "other").id)
    assert elsewhere.create_collection(CollectionId="album")["FaceModelVersion"] == VERSIONS["fast"]
    for mine, name in ((doors, "staff"), (doors, "guests"), (elsewhere, "album")):
        mine.delete_collection(CollectionId=name)


def test_a_collection_on_consent_enrols_nobody_without_a_receipt(
    house: tuple[Running, Organizations], client: Client, portrait: bytes
) -> None:
    ours = client(house[1].register("A club", "other").id)
    ours.create_collection(CollectionId="members", Tags={"regard:basis": "consent", "colour": "blue"})
    with denied("consent-needs-receipt") as said:
        ours.index_faces(CollectionId="members", Image={"Bytes": portrait}, ExternalImageId="alice")
    assert "Missing: alice, collection members" in said[0]
    assert "regard consent add alice --collection members" in said[0]
    arn = ours.describe_collection(CollectionId="members")["CollectionARN"]
    with denied("reserved-tags"):
        ours.tag_resource(ResourceArn=arn, Tags={"regard:basis": "attested"})
    ours.delete_collection(CollectionId="members")
