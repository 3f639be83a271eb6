"""All nineteen operations, in any order and from two processes, against a model that a child could check."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from regard.operations.common.errors import ApiError
from tests.helpers.databases import forget
from tests.helpers.fakes import ORGANIZATION, Client, open_rooms, picture_of

STATE_MACHINES = 200
STEPS = 30
UNKNOWN = "00000000-0000-4000-8000-000000000000"

clients = st.integers(0, 1)
names = st.sampled_from(["a", "b"])
persons = st.integers(0, 3)
user_ids = st.sampled_from(["u", "v"])
choices = st.lists(st.integers(0, 5), min_size=1, max_size=3)


@dataclass
class ModelFace:
    person: int
    external: str | None
    user: str | None = None


@dataclass
class ModelCollection:
    faces: dict[str, ModelFace] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    pictures: dict[tuple[tuple[int, ...], int, str | None], list[str]] = field(default_factory=dict)

    def of(self, user: str) -> list[str]:
        return [face_id for face_id, face in self.faces.items() if face.user == user]


class GalleryMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.clients = [Client(open_rooms(Path(self.folder.name))) for _ in range(2)]
        self.model: dict[str, ModelCollection] = {}
        self.requested: dict[str, tuple[ModelCollection, str]] = {}

    def teardown(self) -> None:
        forget(Path(self.folder.name))
        self.folder.cleanup()

    def _ask(self, client: int, operation: str, name: str, **parameters: Any) -> tuple[dict[str, Any], ModelCollection]:
        """The answer and the model of a collection; without such a collection {} and one to be thrown away."""
        if name in self.model:
            return self.clients[client](operation, CollectionId=name, **parameters), self.model[name]
        self._refused(client, "ResourceNotFoundException", operation, CollectionId=name, **parameters)
        return {}, ModelCollection()

    def _refused(self, client: int, code: str, operation: str, **parameters: Any) -> None:
        with pytest.raises(ApiError) as refusal:
            self.clients[client](operation, **parameters)
        assert refusal.value.code == code

    def _chosen(self, name: str, choice: list[int]) -> list[str]:
        there = list(self.model[name].faces) if name in self.model else []
        return list(dict.fromkeys(there[number] if number < len(there) else UNKNOWN for number in choice))

    @rule(client=clients, name=names)
    def create_collection(self, client: int, name: str) -> None:
        if name in self.model:
            self._refused(client, "ResourceAlreadyExistsException", "CreateCollection", CollectionId=name)
        else:
            self.clients[client]("CreateCollection", CollectionId=name)
            self.model[name] = ModelCollection()

    @rule(client=clients, name=names, sure=st.integers(0, 3))
    def delete_collection(self, client: int, name: str, sure: int) -> None:
        if sure == 0:
            self._ask(client, "DeleteCollection", name)
            self.model.pop(name, None)

    @rule(client=clients, name=names, key=st.sampled_from("xy"), value=st.sampled_from("12"), added=st.booleans())
    def tag(self, client: int, name: str, key: str, value: str, added: bool) -> None:
        arn = f"arn:aws:rekognition:eu-central-1:{ORGANIZATION}:collection/{name}"
        change: dict[str, Any] = {"Tags": {key: value}} if added else {"TagKeys": [key]}
        operation = "TagResource" if added else "UntagResource"
        if name not in self.model:
            self._refused(client, "ResourceNotFoundException", operation, ResourceArn=arn, **change)
            return
        self.clients[client](operation, ResourceArn=arn, **change)
        if added:
            self.model[name].tags[key] = value
        else:
            self.model[name].tags.pop(key, None)
        assert self.clients[1 - client]("ListTagsForResource", ResourceArn=arn) == {"Tags": self.model[name].tags}

    @rule(
        client=clients,
        name=names,
        who=st.lists(persons, min_size=0, max_size=2).map(tuple),
        mark=st.integers(0, 1),
        external=st.sampled_from([None, "e"]),
    )
    def index_faces(self, client: int, name: str, who: tuple[int, ...], mark: int, external: str | None) -> None:
        given = {} if external is None else {"ExternalImageId": external}
        image = {"Bytes": picture_of(*who, mark=mark)}
        answer, model = self._ask(client, "IndexFaces", name, Image=image, **given)
        indexed = [record["Face"]["FaceId"] for record in answer.get("FaceRecords", [])]
        if not answer:
            return
        assert len(indexed) == len(who)
        known = model.pictures.get((who, mark, external), [None] * len(who))
        for face_id, person, before in zip(indexed, who, known, strict=True):
            if before in model.faces:
                assert face_id == before
            else:
                assert face_id not in model.faces
                model.faces[face_id] = ModelFace(person, external)
        model.pictures[who, mark, external] = indexed

    @rule(client=clients, name=names, choice=choices)
    def delete_faces(self, client: int, name: str, choice: list[int]) -> None:
        asked = self._chosen(name, choice)
        answer, model = self._ask(client, "DeleteFaces", name, FaceIds=asked)
        loose = [face_id for face_id in asked if face_id in model.faces and model.faces[face_id].user is None]
        if answer:
            assert answer["DeletedFaces"] == loose
            assert len(answer["UnsuccessfulFaceDeletions"]) == len(asked) - len(loose)
        for face_id in loose:
            del model.faces[face_id]

    @rule(client=clients, name=names, user=user_ids, token=st.sampled_from("st"))
    def create_user_once(self, client: int, name: str, user: str, token: str) -> None:
        asked = {"CollectionId": name, "UserId": user, "ClientRequestToken": token}
        model, before = self.model.get(name), self.requested.get(token)
        if model is None:
            self._refused(client, "ResourceNotFoundException", "CreateUser", **asked)
        elif before is None and user in model.users:
            self._refused(client, "ConflictException", "CreateUser", **asked)
        elif before is None:
            self.clients[client]("CreateUser", **asked)
            self.requested[token] = model, user
            model.users.append(user)
        elif before[0] is model and before[1] == user:
            self.clients[client]("CreateUser", **asked)
        else:
            self._refused(client, "IdempotentParameterMismatchException", "CreateUser", **asked)

    @rule(client=clients, name=names, user=user_ids)
    def create_user(self, client: int, name: str, user: str) -> None:
        if name in self.model and user in self.model[name].users:
            self._refused(client, "ConflictException", "CreateUser", CollectionId=name, UserId=user)
            return
        _, model = self._ask(client, "CreateUser", name, UserId=user)
        model.users.append(user)

    @rule(client=clients, name=names, user=user_ids)
    def delete_user(self, client: int, name: str, user: str) -> None:
        if self._no_user(client, "DeleteUser", name, user):
            return
        _, model = self._ask(client, "DeleteUser", name, UserId=user)
        for face_id in model.of(user):
            model.faces[face_id].user = None
        model.users.remove(user)

    @rule(client=clients, name=names, user=user_ids, choice=choices)
    def associate_faces(self, client: int, name: str, user: str, choice: list[int]) -> None:
        asked = self._chosen(name, choice)
        if self._no_user(client, "AssociateFaces", name, user, FaceIds=asked):
            return
        answer, model = self._ask(client, "AssociateFaces", name, UserId=user, FaceIds=asked)
        done, reasons = [], {}
        for face_id in asked:
            face = model.faces.get(face_id)
            if face is None:
                reasons[face_id] = "FACE_NOT_FOUND"
            elif face.user is not None:
                if face.user != user:
                    reasons[face_id] = "ASSOCIATED_TO_A_DIFFERENT_USER"
            elif any(model.faces[own].person != face.person for own in model.of(user)):
                reasons[face_id] = "LOW_MATCH_CONFIDENCE"
            else:
                face.user = user
                done.append({"FaceId": face_id})
        assert answer["AssociatedFaces"] == done
        assert {one["FaceId"]: one["Reasons"][0] for one in answer["UnsuccessfulFaceAssociations"]} == reasons
        assert answer["UserStatus"] == ("ACTIVE" if model.of(user) else "CREATED")

    @rule(client=clients, name=names, user=user_ids, choice=choices)
    def disassociate_faces(self, client: int, name: str, user: str, choice: list[int]) -> None:
        asked = self._chosen(name, choice)
        if self._no_user(client, "DisassociateFaces", name, user, FaceIds=asked):
            return
        answer, model = self._ask(client, "DisassociateFaces", name, UserId=user, FaceIds=asked)
        own = [face_id for face_id in asked if face_id in model.of(user)]
        for face_id in own:
            model.faces[face_id].user = None
        assert answer["DisassociatedFaces"] == [{"FaceId": face_id} for face_id in own]
        assert len(answer["UnsuccessfulFaceDisassociations"]) == len(asked) - len(own)
        assert answer["UserStatus"] == ("ACTIVE" if model.of(user) else "CREATED")

    def _no_user(self, client: int, operation: str, name: str, user: str, **more: Any) -> bool:
        if name in self.model and user in self.model[name].users:
            return False
        code = "ResourceNotFoundException"
        self._refused(client, code, operation, CollectionId=name, UserId=user, **more)
        return True

    @rule(client=clients, name=names, person=persons, choice=choices, user=user_ids)
    def search(self, client: int, name: str, person: int, choice: list[int], user: str) -> None:
        image = {"Bytes": picture_of(person, mark=9)}
        by_image, model = self._ask(client, "SearchFacesByImage", name, Image=image)
        users_by_image, _ = self._ask(client, "SearchUsersByImage", name, Image=image)
        if name not in self.model:
            return
        assert _faces(by_image) == {face_id for face_id, face in model.faces.items() if face.person == person}
        assert _users(users_by_image) == {face.user for face in model.faces.values() if face.person == person} - {None}
        probe = self._chosen(name, choice)[0]
        if probe == UNKNOWN:
            for operation in ("SearchFaces", "SearchUsers"):
                self._refused(client, "InvalidParameterException", operation, CollectionId=name, FaceId=probe)
        else:
            like = {face_id for face_id, face in model.faces.items() if face.person == model.faces[probe].person}
            assert _faces(self.clients[client]("SearchFaces", CollectionId=name, FaceId=probe)) == like - {probe}
            found = _users(self.clients[client]("SearchUsers", CollectionId=name, FaceId=probe))
            assert found == {model.faces[face_id].user for face_id in like} - {None}
        if not self._no_user(client, "SearchUsers", name, user):
            found = _users(self.clients[client]("SearchUsers", CollectionId=name, UserId=user))
            own = {model.faces[face_id].person for face_id in model.of(user)}
            assert found == {face.user for face in model.faces.values() if face.person in own} - {None, user}

    @invariant()
    def everything_listed_is_as_in_the_model(self) -> None:
        client = self.clients[0]
        assert set(client("ListCollections")["CollectionIds"]) == set(self.model)
        for name, model in self.model.items():
            faces = client("ListFaces", CollectionId=name)["Faces"]
            listed = {face["FaceId"]: (face.get("ExternalImageId"), face.get("UserId")) for face in faces}
            assert listed == {face_id: (face.external, face.user) for face_id, face in model.faces.items()}
            users = client("ListUsers", CollectionId=name)["Users"]
            statuses = [(user, "ACTIVE" if model.of(user) else "CREATED") for user in model.users]
            assert [(user["UserId"], user["UserStatus"]) for user in users] == statuses
            described = client("DescribeCollection", CollectionId=name)
            assert (described["FaceCount"], described["UserCount"]) == (len(model.faces), len(model.users))


def _faces(answer: dict[str, Any]) -> set[str]:
    return {match["Face"]["FaceId"] for match in answer["FaceMatches"]}


def _users(answer: dict[str, Any]) -> set[str | None]:
    return {match["User"]["UserId"] for match in answer["UserMatches"]}


@pytest.mark.slow("hundreds of galleries, each opened by two processes and asked thirty times")
def test_the_gallery_always_agrees_with_the_model(scale: float) -> None:
    run_state_machine_as_test(
        GalleryMachine,
        settings=settings(
            max_examples=round(STATE_MACHINES * scale),
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
