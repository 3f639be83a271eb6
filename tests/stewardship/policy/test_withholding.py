from __future__ import annotations

from regard.stewardship.policy.call import Capability, DataClass, Operation
from regard.stewardship.policy.service_model import service_model
from regard.stewardship.policy.withholding import emptied, paths_to, threshold_of


def test_emotions_have_a_place_in_the_answers_of_nine_operations() -> None:
    assert sum(bool(paths_to("Emotions", name)) for name in service_model().operation_names) == 9
    assert paths_to("Emotions", "DetectFaces") == (("FaceDetails", "[]", "Emotions"),)
    assert paths_to("Emotions", "OurOwn") == ()


def test_members_of_the_same_name_elsewhere_stay() -> None:
    answer = {"Emotions": 1, "FaceDetails": [{"Emotions": 2}]}
    assert emptied(answer, paths_to("Emotions", "DetectFaces"))
    assert answer == {"Emotions": 1, "FaceDetails": [{"Emotions": []}]}
    assert not emptied({"FaceDetails": [{}]}, paths_to("Emotions", "DetectFaces"))


def test_the_threshold_of_an_operation_is_found_in_the_model() -> None:
    def told(name: str) -> str | None:
        return threshold_of(Operation(name, Capability.IDENTIFY, DataClass.TEMPLATES))

    assert told("CompareFaces") == "SimilarityThreshold"
    assert told("SearchUsersByImage") == "UserMatchThreshold"
    assert told("DetectFaces") is None
