"""What commands print of others' words: nothing that steers a terminal."""

from __future__ import annotations

import json

import pytest

from regard.commands.common.output import err, failed, out, print_json, table

WORDS = "\x1b]0;owned\x07\u202eflip\x9b31m\nnext"
SEEN = "]0;ownedflip31m\nnext"


def test_what_others_wrote_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown = table("Name")
    shown.add_row(WORDS)
    out.print(WORDS)
    out.print(shown)
    err.print(WORDS)
    failed(ValueError(WORDS))
    printed = capsys.readouterr()
    assert SEEN in printed.out
    assert f"error: {SEEN}" in printed.err
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & {*printed.out, *printed.err}


def test_json_for_scripts_is_whole_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    told = {"name": f"{WORDS}\x7f\U000e0041 Zo\u00eb"}
    print_json(told)
    printed = capsys.readouterr().out
    assert json.loads(printed) == told
    assert "Zo\u00eb" in printed
    assert printed.replace("\n", "").isprintable()
