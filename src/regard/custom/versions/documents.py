"""The document of a project's policy: who of other organizations may copy which versions.

It is of IAM's form, with one action. What would widen what it says without being looked at, such as NotPrincipal, or a
Condition that nothing here can weigh, is refused when it is put.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import msgspec

ACTION = "rekognition:CopyProjectVersion"
_VERSIONS = ("2012-10-17", "2008-10-17")
_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset({"Sid", "Effect", "Principal", "Action", "Resource"})
_EFFECTS = {"allow": True, "deny": False}
_ACCOUNT = re.compile(r"\d{12}")
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::\d{12}:[\x21-\x7e]+")
_RESOURCE = re.compile(r"\*|arn:aws[a-z-]*:rekognition:[\x21-\x7e]+")


class MalformedDocument(ValueError):
    """A policy document that is not of the form; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: whether it allows, whom, and what."""

    allows: bool
    principals: tuple[str, ...]
    resources: tuple[str, ...]

    def is_about(self, organization: str, user: str, resource: str) -> bool:
        """Whether it says something of a caller, by the id of the organization and an ARN, and of an ARN."""
        whom = ("*", organization, f"arn:aws:iam::{organization}:root", user)
        return any(each in whom for each in self.principals) and any(
            _matches(each, resource) for each in self.resources
        )


@dataclass(frozen=True, slots=True)
class Document:
    """What a policy says."""

    statements: tuple[Statement, ...]

    def allows(self, organization: str, user: str, resource: str) -> bool:
        """Whether some statement lets the caller copy this version, and none forbids it."""
        said = [each.allows for each in self.statements if each.is_about(organization, user, resource)]
        return bool(said) and all(said)

    def forbids(self, organization: str, user: str, resource: str) -> bool:
        """Whether some statement forbids it, whatever others allow."""
        return any(not each.allows and each.is_about(organization, user, resource) for each in self.statements)


def read(text: str) -> Document:
    """The document in its text. Raises MalformedDocument."""
    try:
        told = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise MalformedDocument(f"It is no JSON: {error}.") from None
    if not isinstance(told, dict) or told.get("Version") not in _VERSIONS:
        raise MalformedDocument(f'It is no JSON object with "Version": "{_VERSIONS[0]}".')
    _require_known(told, _DOCUMENT, "document")
    statements = told.get("Statement")
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not statements:
        raise MalformedDocument("Statement is no list of statements.")
    return Document(tuple(map(_statement, statements)))


def _statement(told: Any) -> Statement:
    if not isinstance(told, dict):
        raise MalformedDocument("A statement is no JSON object.")
    _require_known(told, _STATEMENT, "statement")
    effect = told.get("Effect")
    if not isinstance(effect, str) or effect.lower() not in _EFFECTS:
        raise MalformedDocument("Effect is Allow or Deny.")
    if any(action != ACTION for action in _texts(told.get("Action"), "Action")):
        raise MalformedDocument(f"Action can only be {ACTION}.")
    resources = _texts(told.get("Resource"), "Resource")
    if not all(map(_RESOURCE.fullmatch, resources)):
        raise MalformedDocument("Resource is the ARN of a version, in which * stands for anything.")
    return Statement(_EFFECTS[effect.lower()], _principals(told.get("Principal")), resources)


def _principals(told: Any) -> tuple[str, ...]:
    if isinstance(told, dict):
        _require_known(told, frozenset({"AWS"}), "Principal")
        told = told.get("AWS")
    elif told != "*":
        raise MalformedDocument('Principal is "*" or {"AWS": …}.')
    found = _texts(told, "Principal")
    for each in found:
        if not (each == "*" or _ACCOUNT.fullmatch(each) or _PRINCIPAL.fullmatch(each)):
            raise MalformedDocument("A Principal is *, an account of 12 digits, or an ARN of IAM.")
    return found


def _texts(told: Any, name: str) -> tuple[str, ...]:
    found = told if isinstance(told, list) else [told]
    if not found or not all(isinstance(each, str) and each for each in found):
        raise MalformedDocument(f"{name} is a text or a list of texts.")
    return tuple(found)


def _require_known(told: dict[str, Any], known: frozenset[str], where: str) -> None:
    if unknown := sorted(told.keys() - known):
        raise MalformedDocument(f"A {where} has no {', '.join(unknown)} here; it has {', '.join(sorted(known))}.")


def _matches(pattern: str, resource: str) -> bool:
    # `[` stands for itself in IAM; * and ? are as in file names.
    return fnmatchcase(resource, pattern.replace("[", "[[]"))
