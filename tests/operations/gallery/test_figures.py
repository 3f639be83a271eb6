"""Public figures: nobody is recognised but those enrolled, each by name, links and how alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regard.gallery.figures import COLLECTION
from regard.operations.common.errors import ApiError, translated
from regard.operations.common.registry import answered, collection_of, function_of, ours
from regard.stewardship.policy.call import Capability, DataClass
from tests.helpers.fakes import Client, open_rooms, picture_of

IMAGE = {"Bytes": picture_of(1, 2)}


def _ask(client: Client, name: str, **parameters: object) -> dict[str, Any]:
    call = client.call(name, **parameters)
    try:
        return function_of(name)(call, client.rooms)
    except Exception as error:
        raise translated(error, call) from error


def _figure(client: Client, name: str = "Somebody", **more: object) -> str:
    given = {"Name": name, "Urls": ["https://example.org/somebody"], "Basis": "holds a public office"} | more
    return str(_ask(client, "AddFigure", **given)["Id"])


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(open_rooms(tmp_path))


@pytest.fixture
def enrolled(client: Client) -> str:
    client("CreateCollection", CollectionId=COLLECTION)
    figure = _figure(client, KnownGender="Nonbinary")
    client.index(COLLECTION, 2, ExternalImageId=figure)
    return figure


def test_where_nobody_is_enrolled_nobody_is_recognised(client: Client) -> None:
    answer = client("RecognizeCelebrities", Image=IMAGE)
    assert answer["CelebrityFaces"] == []
    assert len(answer["UnrecognizedFaces"]) == 2


def test_an_enrolled_figure_is_named_with_links_and_similarity(client: Client, enrolled: str) -> None:
    answer = client("RecognizeCelebrities", Image=IMAGE)
    (found,) = answer["CelebrityFaces"]
    assert found["Id"] == enrolled
    assert found["Name"] == "Somebody"
    assert found["Urls"] == ["https://example.org/somebody"]
    assert found["KnownGender"] == {"Type": "Nonbinary"}
    assert found["MatchConfidence"] > 99
    assert found["Face"]["BoundingBox"]["Left"] > 0.5
    assert len(answer["UnrecognizedFaces"]) == 1


def test_who_was_recognised_is_told_to_the_log(client: Client, enrolled: str) -> None:
    call = client.call("RecognizeCelebrities", Image=IMAGE)
    function_of("RecognizeCelebrities")(call, client.rooms)
    assert len(call.people) == 1


def test_a_face_without_its_figure_is_nobodys(client: Client, enrolled: str) -> None:
    _ask(client, "RemoveFigure", Id=enrolled)
    answer = client("RecognizeCelebrities", Image=IMAGE)
    assert answer["CelebrityFaces"] == []
    assert len(answer["UnrecognizedFaces"]) == 2


def test_info_is_given_by_id_and_only_to_whoever_enrolled(client: Client, enrolled: str) -> None:
    info = client("GetCelebrityInfo", Id=enrolled)
    assert info["Name"] == "Somebody"
    for other, figure in ((client, "nobody"), (Client(client.rooms, "444455556666"), enrolled)):
        with pytest.raises(ApiError) as error:
            other("GetCelebrityInfo", Id=figure)
        assert error.value.code == "ResourceNotFoundException"


def test_the_same_figure_is_kept_once(client: Client) -> None:
    assert _figure(client) == _figure(client)
    assert _figure(client) != _figure(client, "Somebody else")
    assert len(_ask(client, "ListFigures")["Figures"]) == 2


def test_recognising_is_an_identification_in_the_collection_of_figures(client: Client) -> None:
    operation = answered()["RecognizeCelebrities"]
    assert operation.capability is Capability.IDENTIFY
    assert operation.data is DataClass.TEMPLATES
    for name in ("RecognizeCelebrities", "GetCelebrityInfo", "AddFigure"):
        assert collection_of(client.call(name), client.rooms) == COLLECTION
    assert collection_of(client.call("SearchFaces"), client.rooms) is None
    assert {"AddFigure", "ListFigures", "RemoveFigure"} <= ours().keys()


def test_a_figure_is_shown_without_control_and_bidi_characters(client: Client) -> None:
    hidden = "\u202e\u200b\x1b"
    figure = _figure(
        client, f"Some{hidden}body", Basis=f"holds{hidden} office", Urls=[f"https://example.org/{hidden}x"]
    )
    assert client("GetCelebrityInfo", Id=figure) == {"Name": "Somebody", "Urls": ["https://example.org/x"]}
    (kept,) = _ask(client, "ListFigures")["Figures"]
    assert kept["Basis"] == "holds office"
    assert _figure(client, "Somebody", Urls=["https://example.org/x"]) == figure
