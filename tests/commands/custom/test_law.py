"""The law of labels of one's own holds where there is no gate."""

from __future__ import annotations

import pytest

from regard.commands.custom.law import require_lawful, tags_of
from regard.stewardship.policy.custom_labels import Faces, Project
from regard.stewardship.policy.denied import Denied


def _rule(project: Project) -> str:
    with pytest.raises(Denied) as denied:
        require_lawful(project)
    return denied.value.rule


def test_pictures_of_faces_are_for_the_service_which_knows_basis_and_consents() -> None:
    assert _rule(Project("badges", ("worn", "not worn"), faces=Faces(100, 26))) == "people-project-needs-basis"
    require_lawful(Project("badges", ("worn", "not worn"), faces=Faces(100, 25)))


def test_a_word_of_two_meanings_is_asked_about_once_faces_were_seen() -> None:
    labels = ("white", "oak")
    require_lawful(Project("boards", labels))
    require_lawful(Project("boards", labels, faces=Faces(100, 0)))
    assert _rule(Project("boards", labels, faces=Faces(100, 1))) == "label-needs-meaning"
    meant = tags_of({"white": "the colour of the paint"})
    require_lawful(Project("boards", labels, meant, Faces(100, 1)))


def test_a_meaning_is_no_excuse_for_faces() -> None:
    meant = tags_of({"white": "the colour of the paint"})
    assert _rule(Project("boards", ("white", "oak"), meant, Faces(100, 90))) == "people-project-needs-basis"
