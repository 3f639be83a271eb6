from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import regex
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regard.operations.common.errors import ApiError
from regard.stewardship.policy.service_model import service_model
from regard.wire.protocol import UnfitAnswer, _constraints, parse_request, serialize_answer
from tests.helpers.wire_client import parse, signed

OPERATIONS = sorted(service_model().operation_names)


def parsed(operation: str, document: Any) -> dict[str, Any]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_request(service_model().operation_model(operation), body)


def refusal(operation: str, document: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parsed(operation, document)
    return caught.value


def answered(operation: str, answer: dict[str, Any]) -> Any:
    return json.loads(serialize_answer(service_model().operation_model(operation), answer))


# What is read.


def test_blobs_are_bytes_and_members_keep_their_names() -> None:
    document = {"Image": {"Bytes": base64.b64encode(b"\x00\xff").decode()}, "Attributes": ["ALL"]}
    assert parsed("DetectFaces", document) == {"Image": {"Bytes": b"\x00\xff"}, "Attributes": ["ALL"]}


def test_null_is_absent_and_unknown_members_are_dropped() -> None:
    assert parsed("ListCollections", {"MaxResults": None, "Unheard": {"of": 1}}) == {}


@pytest.mark.parametrize("body", [b"", b"  \n", b"{}"])
def test_an_empty_body_is_an_empty_request(body: bytes) -> None:
    assert parsed("ListCollections", body) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b'{"MaxResults": 1}x',
        b"\xff\xfe",
        b'{"NextToken": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"MaxResults": NaN}',
        b'{"MaxResults": 1e999}',
        b'{"NextToken": "\xff"}',
    ],
)
def test_a_body_that_is_no_json_is_a_serialization_exception(body: bytes) -> None:
    assert refusal("ListCollections", body).code == "SerializationException"


@pytest.mark.parametrize(
    ("operation", "document"),
    [
        ("ListCollections", []),
        ("ListCollections", "text"),
        ("ListCollections", None),
        ("ListCollections", {"MaxResults": "1"}),
        ("ListCollections", {"MaxResults": True}),
        ("ListCollections", {"MaxResults": 1.5}),
        ("ListCollections", {"MaxResults": 2**31}),
        ("ListCollections", {"MaxResults": -(10**40)}),
        ("ListCollections", {"NextToken": 1}),
        ("CompareFaces", {"SimilarityThreshold": "80"}),
        ("CompareFaces", {"SimilarityThreshold": False}),
        ("DetectFaces", {"Image": []}),
        ("DetectFaces", {"Image": {"Bytes": 1}}),
        ("DetectFaces", {"Image": {"Bytes": "not base64"}}),
        ("DetectFaces", {"Image": {"Bytes": "YQ"}}),
        ("DetectFaces", {"Image": {"Bytes": "YWJj\n"}}),
        ("DetectFaces", {"Image": {"Bytes": "=YWJj"}}),
        ("DetectFaces", {"Image": {"Bytes": "é"}}),
        ("DetectFaces", {"Attributes": "ALL"}),
        ("DetectFaces", {"Attributes": [None]}),
        ("CreateCollection", {"Tags": []}),
        ("CreateCollection", {"Tags": {"a": 1}}),
    ],
)
def test_a_wrong_type_is_a_serialization_exception(operation: str, document: Any) -> None:
    assert refusal(operation, document).code == "SerializationException"


def test_the_text_of_a_wrong_type_names_the_member() -> None:
    assert "'image.bytes' is not a text" in refusal("DetectFaces", {"Image": {"Bytes": 1}}).message


# What is refused, in AWS's words.


def test_bytes_over_the_limit_are_told_in_aws_words() -> None:
    picture = base64.b64encode(bytes(5_242_881)).decode()
    error = refusal("DetectFaces", {"Image": {"Bytes": picture}})
    assert error.code == "ValidationException"
    assert error.message == (
        "1 validation error detected: Value '5242881 bytes' at 'image.bytes' failed to satisfy constraint: "
        "Member must have length less than or equal to 5242880"
    )
    assert len(parsed("DetectFaces", {"Image": {"Bytes": base64.b64encode(bytes(5_242_880)).decode()}})["Image"]) == 1


@pytest.mark.parametrize(
    ("operation", "document", "told"),
    [
        ("CreateCollection", {}, "Value null at 'collectionId' failed to satisfy constraint: Member must not be null"),
        (
            "CreateCollection",
            {"CollectionId": "bad id!"},
            "Value 'bad id!' at 'collectionId' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [a-zA-Z0-9_.\-]+",
        ),
        (
            "CompareFaces",
            {"SourceImage": {}, "TargetImage": {}, "SimilarityThreshold": 500},
            "Value '500' at 'similarityThreshold' failed to satisfy constraint: "
            "Member must have value less than or equal to 100",
        ),
        (
            "CompareFaces",
            {"SourceImage": {}, "TargetImage": {}, "SimilarityThreshold": -0.5},
            "Value '-0.5' at 'similarityThreshold' failed to satisfy constraint: "
            "Member must have value greater than or equal to 0",
        ),
        (
            "CompareFaces",
            {"SourceImage": {}, "TargetImage": {}, "QualityFilter": "BEST"},
            "Value 'BEST' at 'qualityFilter' failed to satisfy constraint: "
            "Member must satisfy enum value set: [NONE, AUTO, LOW, MEDIUM, HIGH]",
        ),
        (
            "DetectFaces",
            {"Image": {"Bytes": ""}},
            "Value '0 bytes' at 'image.bytes' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            "DetectFaces",
            {"Image": {"S3Object": {"Bucket": "ab"}}},
            "Value 'ab' at 'image.s3Object.bucket' failed to satisfy constraint: "
            "Member must have length greater than or equal to 3",
        ),
        (
            "DeleteFaces",
            {"CollectionId": "friends", "FaceIds": []},
            "Value '[]' at 'faceIds' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
    ],
)
def test_one_broken_constraint_is_told_in_aws_words(operation: str, document: Any, told: str) -> None:
    error = refusal(operation, document)
    assert (error.code, error.message) == ("ValidationException", f"1 validation error detected: {told}")


def test_several_broken_constraints_are_told_at_once() -> None:
    error = refusal("SearchFacesByImage", {"CollectionId": "bad id!", "MaxFaces": 0, "FaceMatchThreshold": 101})
    assert error.message.startswith("4 validation errors detected: ")
    for place in ("'collectionId'", "'image'", "'maxFaces'", "'faceMatchThreshold'"):
        assert place in error.message


def test_broken_items_of_a_list_are_told_under_its_path() -> None:
    error = refusal("DetectFaces", {"Image": {}, "Attributes": ["ALL", "NOPE", "NEITHER"]})
    assert error.message.startswith("1 validation error detected: Value '[ALL, NOPE, NEITHER]' at 'attributes' failed")
    assert "Member must satisfy enum value set: [DEFAULT, ALL, " in error.message


def test_a_trailing_newline_does_not_pass_a_pattern() -> None:
    assert refusal("CreateCollection", {"CollectionId": "friends\n"}).code == "ValidationException"


def test_long_values_are_cut_in_the_text() -> None:
    assert len(refusal("CreateCollection", {"CollectionId": "x" * 100_000}).message) < 1000


def test_many_broken_items_do_not_make_a_long_text() -> None:
    assets = [{"GroundTruthManifest": {"S3Object": {"Bucket": "ab"}}}] * 20_000
    error = refusal("CreateProjectVersion", {"TrainingData": {"Assets": assets}})
    assert len(error.message) < 100_000


# Every constraint of the model, over all operations.


def broken_values(shape: Shape) -> Iterator[tuple[Any, str]]:
    """A JSON value that breaks each constraint of a shape, with the words for it."""
    limits, kind = shape.metadata, shape.type_name
    words = "length" if kind in ("string", "blob", "list", "map") else "value"
    if limits.get("min") and kind != "map":
        yield filled(shape, limits["min"] - 1), f"have {words} greater than or equal to {limits['min']}"
    elif "min" in limits and words == "value":
        yield -1, f"have {words} greater than or equal to {limits['min']}"
    if "max" in limits and not (kind == "long" and limits["max"] >= 2**63 - 1):
        yield filled(shape, limits["max"] + 1), f"have {words} less than or equal to {limits['max']}"
    if limits.get("enum"):
        yield "NO_SUCH_WORD", "satisfy enum value set: [" + ", ".join(limits["enum"]) + "]"
    if limits.get("pattern"):
        yield (
            next(value for value in ("bad id!", "\u2603\n", "\n") if not regex.fullmatch(limits["pattern"], value)),
            f"satisfy regular expression pattern: {limits['pattern']}",
        )


def filled(shape: Shape, size: int) -> Any:
    if isinstance(shape, ListShape):
        return [skeleton(shape.member)] * size
    if isinstance(shape, MapShape):
        return {f"key{i}": skeleton(shape.value) for i in range(size)}
    if shape.type_name == "blob":
        return base64.b64encode(bytes(size)).decode()
    return "x" * size if shape.type_name == "string" else size


def skeleton(shape: Shape) -> Any:
    """A value of the right type, whatever its constraints."""
    if isinstance(shape, StructureShape | MapShape):
        return {}
    empty = {"list": [], "string": "", "blob": "", "boolean": True}
    return empty.get(shape.type_name, 0)


def breaches(shape: Shape, path: str, wrap: Callable[[Any], Any]) -> Iterator[tuple[str, Any, str]]:
    """Path as AWS writes it, a whole document and the words, for each constraint at and below a shape."""
    for value, words in broken_values(shape):
        yield path, wrap(value), words
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            yield below(path, name), wrap({}), "not be null"
        for name, member in shape.members.items():
            yield from breaches(member, below(path, name), lambda value, name=name: wrap({name: value}))  # type: ignore[misc]
    elif isinstance(shape, ListShape):
        plain = not isinstance(shape.member, StructureShape | ListShape)
        inner = path if plain else f"{path}.1.member"
        for found, document, words in breaches(shape.member, inner, lambda value: wrap([value])):
            yield found, document, words
    elif isinstance(shape, MapShape):
        for value, words in broken_values(shape.key):
            yield f"{path}.key", wrap({value: skeleton(shape.value)}), words
        yield from breaches(shape.value, f"{path}.word", lambda value: wrap({"word": value}))


def below(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_constraint_of_the_model_is_enforced(operation: str) -> None:
    shape = service_model().operation_model(operation).input_shape
    assert shape is not None
    found = list(breaches(shape, "", lambda value: value))
    assert found or not shape.members or operation == "ListMediaAnalysisJobs"
    for path, document, words in found:
        error = refusal(operation, document)
        assert error.code == "ValidationException", (path, words, error)
        told = [text for text in error.message.split("; ") if f"at '{path}' failed" in text]
        assert any(words in text for text in told), (path, words, error.message[:500])


def shapes() -> dict[str, Shape]:
    found: dict[str, Shape] = {}

    def walk(shape: Shape) -> None:
        if shape.name not in found:
            found[shape.name] = shape
            inner = getattr(shape, "members", {}) if isinstance(shape, StructureShape) else {}
            for member in inner.values():
                walk(member)
            if isinstance(shape, ListShape):
                walk(shape.member)
            if isinstance(shape, MapShape):
                walk(shape.key)
                walk(shape.value)

    for name in OPERATIONS:
        model = service_model().operation_model(name)
        for shape in (model.input_shape, model.output_shape):
            if shape is not None:
                walk(shape)
    return found


PATTERNED = sorted(name for name, shape in shapes().items() if "pattern" in shape.metadata)
HOSTILE = ("a" * 1_000_000, " " * 1_000_000, "a-" * 500_000 + "!", "arn:aws:sns:" + ":" * 1_000_000)


@pytest.mark.parametrize("name", PATTERNED)
def test_a_text_made_to_delay_a_pattern_is_refused_at_once(name: str) -> None:
    limits = shapes()[name].metadata
    for text in HOSTILE:
        begun = time.process_time()
        list(_constraints(shapes()[name], text))
        assert time.process_time() - begun < 1
    assert regex.compile(limits["pattern"])


def test_the_types_of_the_model_are_the_ones_that_are_read() -> None:
    kinds = {shape.type_name for shape in shapes().values()}
    assert kinds <= {
        "structure",
        "list",
        "map",
        "string",
        "blob",
        "boolean",
        "integer",
        "long",
        "float",
        "double",
        "timestamp",
    }


# What clients send, whatever it is, is what is read.


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Python values that the constraints of a shape allow, as a user of boto3 gives them."""
    limits = shape.metadata
    least, most = limits.get("min", 0), limits.get("max")
    if isinstance(shape, StructureShape):
        required = {name: values(shape.members[name]) for name in shape.required_members}
        optional = {name: values(shape.members[name]) for name in shape.members if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member), min_size=least, max_size=min(most or 3, 3))
    if isinstance(shape, MapShape):
        return st.dictionaries(values(shape.key), values(shape.value), min_size=least, max_size=2)
    return _scalars(shape, least, most)


def _scalars(shape: Shape, least: int, most: int | None) -> st.SearchStrategy[Any]:
    kind, limits = shape.type_name, shape.metadata
    if limits.get("enum"):
        return st.sampled_from(limits["enum"])
    if kind == "string":
        return _texts(limits.get("pattern"), least, most)
    if kind == "blob":
        return st.binary(min_size=least, max_size=64)
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "long"):
        return st.integers(limits.get("min", -(2**31)), min(most or 2**31 - 1, 2**31 - 1))
    if kind == "timestamp":
        return st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
            lambda moment: moment.replace(microsecond=0)
        )
    return st.floats(limits.get("min"), most, allow_nan=False, allow_infinity=False)


def _texts(pattern: str | None, least: int, most: int | None) -> st.SearchStrategy[str]:
    if pattern is None:
        return st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=min(most or 40, 40))
    plain = pattern.replace(r"\p{L}", "a-zA-Zäж").replace(r"\p{Z}", " ").replace(r"\p{N}", "0-9")
    return st.from_regex(re.compile(plain, re.ASCII), fullmatch=True).filter(
        lambda text: least <= len(text) <= (most or 2048) and not text.endswith("\n")
    )


ROUND_TRIPS = [
    "AssociateFaces",
    "CompareFaces",
    "CreateCollection",
    "CreateUser",
    "DeleteFaces",
    "DescribeCollection",
    "DetectFaces",
    "DetectLabels",
    "DetectText",
    "IndexFaces",
    "ListFaces",
    "SearchFaces",
    "SearchFacesByImage",
    "SearchUsers",
    "TagResource",
]


@pytest.mark.parametrize("operation", ROUND_TRIPS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_botocore_sends_is_what_is_read(operation: str, data: st.DataObject) -> None:
    model = service_model().operation_model(operation)
    assert model.input_shape is not None
    given_parameters = data.draw(values(model.input_shape))
    request = signed(operation, given_parameters, host="h", access_key_id="k", secret="s")
    assert parse_request(model, request.body) == given_parameters


# What is answered.


def test_timestamps_are_seconds_as_a_float() -> None:
    moment = datetime(2027, 1, 15, 8, 0, 0, 250_000, UTC)
    body = serialize_answer(service_model().operation_model("DescribeCollection"), {"CreationTimestamp": moment})
    assert json.loads(body) == {"CreationTimestamp": moment.timestamp()}
    assert parse("DescribeCollection", 200, {}, body)["CreationTimestamp"] == moment


def test_members_that_are_none_are_left_out_and_empty_lists_are_sent() -> None:
    assert answered("DetectFaces", {"FaceDetails": [], "OrientationCorrection": None}) == {"FaceDetails": []}


def test_blobs_are_base64() -> None:
    answer = {"SessionId": "s", "Status": "CREATED", "ReferenceImage": {"Bytes": b"\x00\xff"}}
    assert answered("GetFaceLivenessSessionResults", answer)["ReferenceImage"]["Bytes"] == "AP8="


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("DetectFaces", {"Faces": []}),
        ("DetectFaces", {"FaceDetails": [{"Colour": 1}]}),
        ("DetectFaces", {"FaceDetails": [{"Confidence": "99"}]}),
        ("DetectFaces", {"FaceDetails": [{"Confidence": float("nan")}]}),
        ("DetectFaces", {"FaceDetails": [{"Confidence": float("inf")}]}),
        ("DetectFaces", {"FaceDetails": [None]}),
        ("DescribeCollection", {"CreationTimestamp": 1_800_000_000_000}),
        ("CreateCollection", {"StatusCode": 200.0}),
        ("CreateCollection", {"CollectionArn": b"arn"}),
    ],
)
def test_an_answer_that_the_model_does_not_know_is_a_fault_of_ours(operation: str, answer: dict[str, Any]) -> None:
    with pytest.raises((UnfitAnswer, AttributeError)):
        answered(operation, answer)


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_answered_is_what_botocore_reads(operation: str, data: st.DataObject) -> None:
    model = service_model().operation_model(operation)
    if model.output_shape is None:
        return
    answer = data.draw(values(model.output_shape))
    read = parse(operation, 200, {}, serialize_answer(model, answer))
    del read["ResponseMetadata"]
    assert read == answer


def test_a_body_of_millions_of_parts_is_refused_before_it_is_read() -> None:
    body = b'{"CollectionId":"a","FaceIds":[' + b"1," * 1_000_000 + b"1]}"
    with pytest.raises(ApiError, match="more parts than any request") as raised:
        parse_request(service_model().operation_model("DeleteFaces"), body)
    assert raised.value.code == "SerializationException"
