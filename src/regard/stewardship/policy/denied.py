"""The denial: what a caller is told who may not do what they ask, with the rule, the path and the way to appeal."""

from __future__ import annotations

from collections.abc import Sequence

APPEAL = (
    "anyone may appeal by POST /stewardship/v1/reports, as docs/reports.md shows; `regard council charter` says who "
    "answers, and an answer that is overdue shows in the public report."
)


class Denied(PermissionError):
    """The gate says no. Its text is what the caller is told.

    `rule` is the id of the rule that denied, `sentence` what it says in plain words, `path` the organizations
    through which what is asked for would reach one that may not have it, `appeal` what can be done about it.
    """

    def __init__(self, rule: str, sentence: str, path: Sequence[str] = (), appeal: str = "") -> None:
        self.rule = rule
        self.sentence = sentence
        self.path = tuple(path)
        self.appeal = appeal
        parts = [f"[{rule}] {sentence}"]
        if self.path:
            parts.append(f"Path: {' → '.join(self.path)}.")
        if appeal:
            parts.append(f"Appeal: {appeal}")
        super().__init__(" ".join(parts))
