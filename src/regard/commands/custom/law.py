"""What the law says of a model that is made or asked here, without a gate: always, by the rules' names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from regard.stewardship.gate.matters import NEEDS_MEANING
from regard.stewardship.policy.custom_labels import MEANING, Project, refusal
from regard.stewardship.policy.denied import Denied

_TRAITS, _PEOPLE = "no-inferred-traits", "people-project-needs-basis"
_SERVICE = (
    "More than a quarter of the pictures show a face that fills a tenth of them. The service alone learns from such "
    "pictures, in a project that states its basis and its purpose: docs/policy.md says how."
)


def require_lawful(project: Project) -> None:
    """Raise Denied, by the rule's name, for labels that infer traits, unclear ones, and projects of people's faces.

    Where nobody looked at the pictures yet, what may be a thing is let pass: it is asked again once they were.
    """
    why = refusal(project)
    if why and why.traits:
        raise Denied(_TRAITS, why.told)
    if project.faces is None:
        return
    if project.of_people:
        raise Denied(_PEOPLE, _SERVICE)
    if why:
        raise Denied(NEEDS_MEANING, f"{why.told} Here that is `--meaning '{why.label}=…'`.")


def tags_of(meanings: Mapping[str, str]) -> dict[str, Any]:
    """What labels mean, as tags of a project."""
    return {f"{MEANING}{label}": meaning for label, meaning in meanings.items()}
