"""Settings: one table, read from the environment, documented in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.settings import SettingError, Settings, as_markdown, from_environment, table, variable

DOCS = Path(__file__).parents[1] / "docs"


def test_every_setting_has_a_variable_and_a_line_of_help() -> None:
    for name, key, _, line in table():
        assert key == variable(name) == f"REGARD_{name.upper()}"
        assert line.endswith("."), f"{key} has no sentence of help"


def test_the_page_of_settings_is_up_to_date() -> None:
    assert (DOCS / "settings.md").read_text() == as_markdown(), "run `make docs`"


def test_a_setting_is_read_from_its_variable() -> None:
    settings = from_environment(
        {"REGARD_PORT": "8080", "REGARD_BEHIND_PROXY": "true", "REGARD_REGIONS": "eu-west-1, us-east-1"}
    )
    assert (settings.port, settings.behind_proxy) == (8080, True)
    assert settings.regions == ("eu-west-1", "us-east-1")


def test_what_is_given_wins_over_the_environment() -> None:
    assert from_environment({"REGARD_PORT": "8080"}, port=1).port == 1
    assert from_environment({"REGARD_PORT": "8080"}, port=None).port == 8080


def test_an_empty_variable_is_an_absent_one() -> None:
    assert from_environment({"REGARD_PORT": ""}) == Settings()


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"REGARD_PORT": "many"}, "REGARD_PORT: Expected `int`"),
        ({"REGARD_PORT": "99999"}, "REGARD_PORT: Expected `int` <= 65535"),
        ({"REGARD_RUNTIME": "abacus"}, "REGARD_RUNTIME"),
        ({"REGARD_PROT": "1"}, "REGARD_PROT: no such setting"),
    ],
)
def test_a_bad_value_is_refused_by_name(environ: dict[str, str], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        from_environment(environ)
