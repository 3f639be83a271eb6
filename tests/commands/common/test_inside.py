"""Commands that work without a server stand under the same rules as those that ask one."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.commands.common.inside import Inside
from regard.operations.common.errors import ApiError
from regard.settings import Settings
from regard.stewardship.office import start_office
from regard.stewardship.parties.keys import DAY


def test_a_key_that_is_revoked_or_ends_while_a_command_runs_works_no_more(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    organizations = start_office(settings).organizations
    organizations.first_start()
    ours = organizations.register("Somebody", "technology")
    key = organizations.issue_key(ours.id, "photo-library")
    inside = Inside(settings, key.access_key_id)
    assert inside.ask("ListCollections")["CollectionIds"] == []
    organizations.keys.revoke(key.access_key_id)
    with pytest.raises(ApiError) as error:
        inside.ask("ListCollections")
    assert error.value.code == "UnrecognizedClientException"


def test_a_key_whose_term_is_over_works_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path)
    organizations = start_office(settings).organizations
    organizations.first_start()
    ours = organizations.register("Somebody", "technology")
    key = organizations.issue_key(ours.id, "photo-library", days=1)
    inside = Inside(settings, key.access_key_id)
    inside.ask("ListCollections")
    monkeypatch.setattr("regard.commands.common.inside.time.time", lambda: key.created + 1.1 * DAY)
    with pytest.raises(ApiError) as error:
        inside.ask("ListCollections")
    assert error.value.code == "ExpiredTokenException"
