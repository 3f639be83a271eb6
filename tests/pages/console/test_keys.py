"""The page of keys: issued and revoked, with no secret on any page."""

from __future__ import annotations

from tests.helpers.consoled import Console


def test_a_key_is_issued_and_revoked_and_its_secret_is_on_no_page(console: Console) -> None:
    ada = console.somebody()
    made = ada.post("/console/keys", {"purpose": "content-moderation", "days": "9"})
    key = next(each for each in console.office.organizations.keys.all() if each.caller.purpose == "content-moderation")
    assert f"regard keys show {key.access_key_id}" in made.text
    assert key.secret not in made.text + ada.get("/console/keys").text
    assert ada.post("/console/keys", {"purpose": "", "days": "9999"}).status_code == 400
    assert ada.post("/console/keys/revoked", {"key": key.access_key_id}).status_code == 303
    ended = console.office.organizations.key(key.access_key_id)
    assert ended is not None
    assert not ended.enabled
    other = console.office.organizations.register("Another", "retail").id
    theirs = console.office.organizations.issue_key(other, "development").access_key_id
    assert ada.post("/console/keys/revoked", {"key": theirs}).status_code == 404
