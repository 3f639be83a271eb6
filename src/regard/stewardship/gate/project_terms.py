"""The terms of a project of custom labels: reserved tags, as collections have them, and what its labels mean."""

from __future__ import annotations

from collections.abc import Mapping

from regard.custom.projects import RETRAIN
from regard.stewardship.council.collections import BASIS, PREFIX, PURPOSE, reads_as_reserved
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.custom_labels import MEANING, PEOPLE
from regard.stewardship.policy.denied import Denied
from regard.stewardship.policy.vocabulary import BASES, Purpose

_RESERVED = (BASIS, PURPOSE, PEOPLE, RETRAIN)
_RULE = "reserved-tags"


def set_project_terms(call: Call, purposes: Mapping[str, Purpose]) -> None:
    """Check the reserved tags of CreateProject; basis and purpose come from the key where not given. Raises Denied."""
    tags = dict(call.parameters.get("Tags") or {})
    _check(tags, purposes)
    tags.setdefault(BASIS, call.caller.basis)
    tags.setdefault(PURPOSE, call.caller.purpose)
    call.parameters["Tags"] = tags


def check_project_tags(call: Call, current: Mapping[str, str], purposes: Mapping[str, Purpose]) -> None:
    """Refuse TagResource and UntagResource on a project where they would loosen `current`. Raises Denied.

    What a label means may be said anew, and is looked at before each training and start. So may whether lost versions
    are trained anew.
    """
    removed = [key for key in call.parameters.get("TagKeys") or () if key.startswith(PREFIX)]
    if removed:
        raise Denied(_RULE, f"The tag {removed[0]} is not taken off a project.")
    given = call.parameters.get("Tags") or {}
    new = {key: value for key, value in given.items() if reads_as_reserved(key) and current.get(key) != value}
    _check(new, purposes)
    if BASIS in new and BASES.index(new[BASIS]) < BASES.index(current.get(BASIS, BASES[0])):
        raise Denied(_RULE, f"The basis {current[BASIS]} is not loosened to {new[BASIS]}. Make another project.")
    if PURPOSE in new and PURPOSE in current:
        raise Denied(_RULE, "The purpose of a project does not change: make another.")


def _check(tags: Mapping[str, str], purposes: Mapping[str, Purpose]) -> None:
    for key, value in tags.items():
        if key.startswith(MEANING) and len(key) > len(MEANING):
            if not value.strip():
                raise Denied(_RULE, f"{key} says in words what the label means.")
        elif reads_as_reserved(key) and key not in _RESERVED:
            names = ", ".join((*_RESERVED, f"{MEANING}NAME"))
            raise Denied(_RULE, f"There is no reserved tag {key} of a project. There are {names}, written so.")
    if tags.get(BASIS, BASES[0]) not in BASES:
        raise Denied(_RULE, f"{BASIS} is one of: {', '.join(BASES)}.")
    if PURPOSE in tags and tags[PURPOSE] not in purposes:
        raise Denied(_RULE, f"{PURPOSE} is one of: {', '.join(purposes)}.")
    if tags.get(RETRAIN, "no") not in ("yes", "no"):
        raise Denied(_RULE, f"{RETRAIN} is yes or no: whether versions that are lost are trained anew.")
    if tags.get(PEOPLE, "yes") != "yes":
        raise Denied(_RULE, f"{PEOPLE} is yes or is not set: whether there are people is looked for besides.")
