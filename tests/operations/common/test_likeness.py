"""Whatever compares faces goes through one function, which holds floor, review and telling; whatever its name is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from regard.gallery.figures import COLLECTION
from regard.operations.common import registry
from regard.operations.common.errors import ApiError
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.people.reviewers import Reviewer
from regard.stewardship.policy.call import Call, Capability, DataClass, Operation
from regard.vision.faces.similarity import score
from tests.helpers.fakes import Clock, person, picture_of
from tests.helpers.peopled import NOTICE, House

OPERATIONS = Path(registry.__file__).parents[1]
SIMILARITY = "regard.vision.faces.similarity"
# What reaches templates or scores. Objectors are compared by number alone, above every floor, because they asked for
# it; an auditor's batch is blind.
REACHING = ("likeness", "prospect")
OUTSIDE = {"gallery/objectors.py", "images/auditing.py"}
WAITS = "1 pending; two reviewers confirm within 48 hours"


class Office(House):
    """A house that opens doors, where rights are at stake, and keeps pictures, where they are not."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self.own = self.caller
        self.as_of("access-control")

    def as_of(self, purpose: str) -> None:
        self.caller = self.organizations.issue_key(self.organization, purpose).caller

    def call(self, name: str, /, **parameters: Any) -> tuple[dict[str, Any], Call]:
        operation = registry.answered().get(name) or registry.ours()[name]
        call = Call(self.caller, operation, parameters, "us-east-1", str(uuid4()))
        return self.service.answer(call), call

    def agreed(self, name: str, collection: str) -> None:
        asked = NewConsent(name, collection, self.caller.purpose, NOTICE, 365)
        self.consents.attest(self.caller, self.consents.draw_up(self.organization, asked))

    def confirm(self) -> int:
        """Two people confirm all that waits; how many."""
        reviewers = [self._reviewer(name) for name in ("ada", "ben")]
        waiting = self.reviews.pending(reviewers[0])
        for reviewer in reviewers:
            for candidate in self.reviews.pending(reviewer):
                self.reviews.decide(reviewer, candidate.id, same=True)
        return len(waiting)

    def told(self, name: str) -> list[dict[str, Any]]:
        """What the log's details tell a person of likeness."""
        self.logbook.take_over()
        found = self.logbook.payloads.about(self.organization, f"external/{name}").values()
        return [each for each in found if "similarity" in each]

    def _reviewer(self, name: str) -> Reviewer:
        # Appointed anew each time: the secret is told once.
        unique = f"{name}-{uuid4().hex[:6]}"
        secret = self.reviews.reviewers.appoint(self.organization, unique, ())
        return self.reviews.reviewers.log_in(self.organization, unique, secret)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "data", Clock())
    yield office
    office.close()


@pytest.fixture
def staff(office: Office) -> Office:
    """Two faces of one person and one of another, all named, in a collection of the purpose that is reviewed."""
    office.collection("staff", "attested")
    for number, name in ((1, "alice"), (1, "alias"), (2, "bob")):
        office.index("staff", number, name=name, mark=len(name))
    office.ask("CreateUser", CollectionId="staff", UserId="u")
    return office


def _associate(office: Office, *faces: str, **more: Any) -> tuple[dict[str, Any], dict[str, str]]:
    return office.ask("AssociateFaces", CollectionId="staff", UserId="u", FaceIds=list(faces), **more)


def test_an_association_by_likeness_waits_until_two_people_confirmed_it(staff: Office) -> None:
    alice, alias, _ = staff.faces("staff")
    assert _associate(staff, alice)[0]["AssociatedFaces"] == [{"FaceId": alice}]
    answer, remarks = _associate(staff, alias, ClientRequestToken="again")
    assert answer["AssociatedFaces"] == []
    assert answer["UnsuccessfulFaceAssociations"] == [{"FaceId": alias, "Reasons": ["LOW_MATCH_CONFIDENCE"]}]
    assert remarks["x-regard-review"] == WAITS
    assert staff.told("alice") == []
    assert staff.confirm() == 1
    answer, _ = _associate(staff, alias, ClientRequestToken="again")
    assert answer["AssociatedFaces"] == [{"FaceId": alias}]
    assert [each["operation"] for each in staff.told("alice")] == ["AssociateFaces"]
    assert _associate(staff, alias, ClientRequestToken="again")[0] == answer


def test_how_unlike_a_face_is_stays_untold_where_rights_are_at_stake(staff: Office) -> None:
    alice, _, bob = staff.faces("staff")
    _associate(staff, alice)
    for threshold in ({}, {"UserMatchThreshold": 99.5}):
        answer, remarks = _associate(staff, bob, **threshold)
        assert answer["UnsuccessfulFaceAssociations"] == [{"FaceId": bob, "Reasons": ["LOW_MATCH_CONFIDENCE"]}]
        assert "x-regard-review" not in remarks
    assert staff.told("bob") == staff.told("alice") == []


def test_a_threshold_of_an_association_below_the_floor_is_refused_and_one_that_lacks_is_raised(staff: Office) -> None:
    alice = staff.faces("staff")[0]
    with pytest.raises(ApiError, match="floor-where-rights-are-at-stake"):
        _associate(staff, alice, UserMatchThreshold=98.9)
    remarks = _associate(staff, alice)[1]
    assert remarks["x-regard-threshold"] == "UserMatchThreshold raised to 99, the floor for access-control"
    call = next(entry for entry in reversed(staff.entries()) if entry.get("operation") == "AssociateFaces")
    assert call["threshold"] == {"asked": None, "applied": 99}


def test_what_a_floor_hides_is_no_confidence_of_an_association(office: Office) -> None:
    office.as_of("photo-library")
    office.collection("staff", "attested")
    for number, name in ((1, "alice"), (2, "bob")):
        office.index("staff", number, name=name)
    office.ask("CreateUser", CollectionId="staff", UserId="u")
    alice, bob = office.faces("staff")
    _associate(office, alice)
    answer, _ = _associate(office, bob)
    assert answer["UnsuccessfulFaceAssociations"] == [{"FaceId": bob, "Reasons": ["LOW_MATCH_CONFIDENCE"]}]
    assert office.told("alice") == []


def test_a_confirmed_match_with_a_user_ends_when_the_user_is_somebody_else(staff: Office) -> None:
    alice, alias, bob = staff.faces("staff")
    _associate(staff, alice)
    _associate(staff, alias)
    staff.confirm()
    user = {"CollectionId": "staff", "UserId": "u"}
    staff.ask("DisassociateFaces", **user, FaceIds=[alice])
    staff.index("staff", 1, name="carl", mark=77)
    _associate(staff, staff.faces("staff")[-1])
    answer, remarks = _associate(staff, alias)
    assert (answer["AssociatedFaces"], remarks["x-regard-review"]) == ([], WAITS)
    assert bob in staff.faces("staff")


def test_who_said_not_me_of_a_user_is_not_found_as_that_user_again(office: Office) -> None:
    office.as_of("photo-library")
    office.collection("staff", "attested")
    office.index("staff", 1, name="alice")
    office.ask("CreateUser", CollectionId="staff", UserId="u")
    _associate(office, *office.faces("staff"))
    asked = {"CollectionId": "staff", "Image": {"Bytes": picture_of(1, mark=9)}}
    answer, call = office.call("SearchUsersByImage", **asked)
    assert len(answer["UserMatches"]) == 1
    office.reviews.false_match(office.organization, "external/alice", call.request_id)
    assert office.call("SearchUsersByImage", **asked)[0]["UserMatches"] == []
    assert office.call("SearchFacesByImage", **asked)[0]["FaceMatches"] == []


def test_a_figure_that_two_people_confirmed_is_told_of_no_other_face_of_the_picture(office: Office) -> None:
    office.collection(COLLECTION)
    figure = office.call("AddFigure", Name="Alice", Urls=[], Basis="agreed")[0]["Id"]
    office.index(COLLECTION, 1, name=figure)
    asked = {"Image": {"Bytes": picture_of(1, 1, mark=9)}}
    office.call("RecognizeCelebrities", **asked)
    assert office.confirm() == 1
    answer, _ = office.call("RecognizeCelebrities", **asked)
    assert (len(answer["CelebrityFaces"]), len(answer["UnrecognizedFaces"])) == (1, 1)


@pytest.fixture
def consented(office: Office) -> Office:
    """Two people who agreed to a collection on consent."""
    office.collection("staff", "consent")
    for number, name in ((1, "alice"), (2, "bob")):
        office.agreed(name, "staff")
        office.index("staff", number, name=name)
    return office


def test_redaction_leaves_nobody_open_whose_match_waits(consented: Office) -> None:
    asked = {"CollectionId": "staff", "Image": {"Bytes": picture_of(1, 3, mark=9)}}
    answer, call = consented.call("RedactOthers", **asked)
    assert (answer["left_open"], len(answer["covered"])) == ([], 2)
    assert call.remarks["x-regard-review"] == WAITS
    assert consented.told("alice") == []
    assert consented.ask("SearchFacesByImage", **asked)[0]["FaceMatches"] == []
    assert consented.confirm() == 1
    assert [each["person"] for each in consented.call("RedactOthers", **asked)[0]["left_open"]] == ["alice"]
    (told,) = consented.told("alice")
    assert told["operation"] == "RedactOthers"


def test_redaction_counts_all_that_wait_in_one_picture(consented: Office) -> None:
    image = {"Bytes": picture_of(1, 2, mark=9)}
    _, call = consented.call("RedactOthers", CollectionId="staff", Image=image)
    assert call.remarks["x-regard-review"].startswith("2 pending;")


def test_enrolling_by_likeness_tells_no_more_than_a_search(consented: Office) -> None:
    answer, call = consented.call(
        "IndexFaces", CollectionId="staff", ExternalImageId="alice", Image={"Bytes": picture_of(1, mark=9)}
    )
    assert (answer["FaceRecords"], call.remarks["x-regard-review"]) == ([], WAITS)
    assert consented.index("staff", 2, name="alice", mark=8) == []
    assert consented.confirm() == 1
    assert len(consented.index("staff", 1, name="alice", mark=9)) == 1
    assert consented.told("alice")


def test_the_picture_that_a_person_was_enrolled_from_is_known_without_a_review(consented: Office) -> None:
    first = consented.faces("staff")
    assert [consented.index("staff", 1, name="alice"), consented.index("staff", 2, name="bob")] == [
        [first[0]],
        [first[1]],
    ]
    assert consented.confirm() == 0


def test_a_bystander_is_known_by_the_floor_of_the_purpose(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.as_of("event-photography")
    office.collection("staff", "consent")
    office.agreed("alice", "staff")
    office.index("staff", 1, name="alice")
    floor = score(90.0, "1.0")
    for cosine, kept in ((floor - 0.01, 0), (floor + 0.01, 1)):
        monkeypatch.setattr(type(office.gallery.faces), "likeness", lambda *_, near=cosine: [near])
        assert len(office.index("staff", 1, name="alice", mark=int(cosine * 100))) == kept


def test_a_copy_says_of_nobody_whether_they_are_who_is_there_already(consented: Office) -> None:
    consented.collection("new", "consent")
    # A stranger and the person themselves, under one name in either case.
    for number, name in ((9, "alice"), (2, "bob")):
        consented.agreed(name, "new")
        consented.index("new", number, name=name, mark=7)
    before = consented.faces("staff")
    answer, call = consented.call("CopyFaces", CollectionId="staff", Source="new")
    assert (answer["Faces"], consented.faces("staff")) == (0, before)
    assert call.remarks["x-regard-refused"].startswith("2")


def test_a_collection_made_anew_keeps_every_picture_of_a_person_without_comparing(consented: Office) -> None:
    consented.index("staff", 1, name="alice", mark=9)
    consented.confirm()
    consented.index("staff", 1, name="alice", mark=9)
    consented.collection("staff.renewed", "consent")
    for mark in (0, 9):
        image = {"Bytes": picture_of(1, mark=mark)}
        answer, call = consented.call("RenewFaces", CollectionId="staff.renewed", Source="staff", Image=image)
        assert (answer, "x-regard-review" in call.remarks) == ({"Faces": 1, "Lost": 0}, False)


def test_a_public_figure_is_recognised_from_the_floor_of_so_many_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regard.stewardship.gate.thresholds._floor_among", lambda _terms: 99.8)
    least: list[float] = []
    search = office.gallery.search.faces

    def searching(*given: Any) -> Any:
        least.append(given[-1])
        return search(*given)

    monkeypatch.setattr(office.gallery.search, "faces", searching)
    office.collection(COLLECTION)
    office.call("RecognizeCelebrities", Image={"Bytes": picture_of(1)})
    model = office.ask("DescribeCollection", CollectionId=COLLECTION)[0]["FaceModelVersion"]
    assert least == [score(99.8, model)]


def test_the_order_of_unmatched_faces_tells_nothing(office: Office) -> None:
    targets = [number for number in range(2, 40) if person(number) @ person(1) > 0][:1]
    image = picture_of(3, *targets, 4)
    answer, _ = office.ask("CompareFaces", SourceImage={"Bytes": picture_of(1)}, TargetImage={"Bytes": image})
    lefts = [face["BoundingBox"]["Left"] for face in answer["UnmatchedFaces"]]
    assert lefts == sorted(lefts)


# What is asked of each operation that compares faces, so that it finds somebody: parameters, and where the answer
# would name them.
IMAGE = {"Bytes": picture_of(1, mark=50)}
ASKED: dict[str, tuple[dict[str, Any], str]] = {
    "CompareFaces": ({"SourceImage": IMAGE, "TargetImage": IMAGE}, "FaceMatches"),
    "SearchFaces": ({"CollectionId": "staff", "FaceId": 0}, "FaceMatches"),
    "SearchFacesByImage": ({"CollectionId": "staff", "Image": IMAGE}, "FaceMatches"),
    "SearchUsers": ({"CollectionId": "staff", "FaceId": 1}, "UserMatches"),
    "SearchUsersByImage": ({"CollectionId": "staff", "Image": IMAGE}, "UserMatches"),
    "RecognizeCelebrities": ({"Image": IMAGE}, "CelebrityFaces"),
    "RedactOthers": ({"CollectionId": "staff", "Image": IMAGE}, "left_open"),
    "AssociateFaces": ({"CollectionId": "staff", "UserId": "u", "FaceIds": [1]}, "AssociatedFaces"),
    "IndexFaces": ({"CollectionId": "agreed", "ExternalImageId": "alice", "Image": IMAGE}, "FaceRecords"),
}
# They take nobody for another where rights are at stake, as a test of their own holds; else they keep to the floor.
MANY = {"ImportFaces", "CopyFaces", "RenewFaces"}
# They are asked of a film, in `tests/operations/videos/test_searching.py` and `test_celebrities.py`.
OF_FILMS = {"GetFaceSearch", "GetCelebrityRecognition"}


def _every() -> dict[str, Operation]:
    return {**registry.answered(), **registry.ours()}


def _judging() -> set[str]:
    return {name for name, operation in _every().items() if operation.judges and not registry.blind_of(name)}


def test_every_operation_that_compares_faces_is_asked_here() -> None:
    assert _judging() == ASKED.keys() | MANY | OF_FILMS
    assert {name for name in _every() if registry.blind_of(name)} == {
        "AuditBatch",
        "StartFaceSearch",
        "StartCelebrityRecognition",
    }


@pytest.fixture
def known(office: Office) -> Office:
    """Somebody whom every operation can find, with a key that needs no review, so that all that holds is the way."""
    office.as_of("photo-library")
    for name, basis in (("staff", "attested"), ("agreed", "consent")):
        office.collection(name, basis)
        office.agreed("alice", name)
        office.index(name, 1, name="alice")
    office.index("staff", 1, name="alice", mark=3)
    office.ask("CreateUser", CollectionId="staff", UserId="u")
    first = office.faces("staff")[0]
    office.ask("AssociateFaces", CollectionId="staff", UserId="u", FaceIds=[first])
    office.collection(COLLECTION)
    figure = office.call("AddFigure", Name="Alice", Urls=[], Basis="agreed")[0]["Id"]
    office.index(COLLECTION, 1, name=figure)
    return office


def _answer(house: Office, name: str) -> Sequence[Any]:
    asked, where = ASKED[name]
    faces = house.faces("staff")
    numbered: dict[str, Callable[[Any], Any]] = {
        "FaceId": lambda number: faces[number],
        "FaceIds": lambda numbers: [faces[number] for number in numbers],
    }
    given = {key: numbered[key](value) if key in numbered else value for key, value in asked.items()}
    found: Sequence[Any] = house.call(name, **given)[0][where]
    return found


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(ASKED))
def test_no_operation_tells_of_anybody_but_by_the_one_function(
    known: Office, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the function deaf, nobody is found; with it as it is, somebody is, and was told."""
    with monkeypatch.context() as patch:
        for file in OPERATIONS.rglob("*.py"):
            module = f"regard.operations.{file.relative_to(OPERATIONS).with_suffix('').as_posix().replace('/', '.')}"
            if "import" in file.read_text() and "told" in _imported(file):
                patch.setattr(f"{module}.told", lambda *_: [])
        assert not _answer(known, name)
    found = _answer(known, name)
    assert len(found) >= 1
    if name != "CompareFaces":  # Two pictures, of nobody who is known.
        whose = "alice"
        last = known.told(whose) if name != "RecognizeCelebrities" else _of_figures(known)
        assert name in {each["operation"] for each in last}


def _of_figures(house: Office) -> list[dict[str, Any]]:
    (figure,) = house.call("ListFigures")[0]["Figures"]
    return house.told(figure["Id"])


def _imported(file: Path) -> set[str]:
    found = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    return {each.name for node in found if node.module != SIMILARITY for each in node.names}


def test_no_operation_works_out_a_similarity_by_itself() -> None:
    own = "common/likeness.py"
    for file in sorted(OPERATIONS.rglob("*.py")):
        name, tree = file.relative_to(OPERATIONS).as_posix(), ast.parse(file.read_text())
        nodes = list(ast.walk(tree))
        modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        names = {each.name for node in nodes if isinstance(node, ast.ImportFrom) for each in node.names}
        if name not in OUTSIDE | {own}:
            assert SIMILARITY not in modules, f"{name} turns cosines into similarities: likeness.told does"
            assert "similarity" not in names, f"{name} turns cosines into similarities: likeness.told does"
        reaches = {node.attr for node in nodes if isinstance(node, ast.Attribute)} & {*REACHING}
        reaches |= {"search"} & {node.attr for node in nodes if isinstance(node, ast.Attribute) and _of_gallery(node)}
        multiplies = any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) for node in nodes)
        if (reaches or multiplies) and name not in OUTSIDE | {own}:
            assert names & {"told", "floor_score"}, f"{name} compares faces and goes through no likeness.told"
            assert _declared(tree), f"{name} has an operation that compares faces and does not say so: compares=True"


def _of_gallery(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Attribute) and node.value.attr == "gallery"


def _declared(tree: ast.Module) -> bool:
    """Whether some operation of the file judges, or the file has none and is asked by those that do."""
    made = [
        ast.literal_eval(decorator.args[0])
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "operation"
        and isinstance(decorator.args[0], ast.Constant)
    ]
    return not made or any(_every()[name].judges for name in made)


def test_looking_people_up_judges_under_any_name() -> None:
    for capability in (Capability.COMPARE, Capability.IDENTIFY):
        assert Operation("Anything", capability, DataClass.FACES).judges
    assert not Operation("Anything", Capability.ENROL, DataClass.FACES).judges
