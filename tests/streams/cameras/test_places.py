"""Places: read from what the operator writes, and shown without the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.streams.cameras.places import place_of


def test_a_camera_has_its_scheme_host_port_path_and_user() -> None:
    place = place_of("RTSP://door:p%40ss%3A@[2001:db8::1]:8554/stream?channel=1")
    assert (place.kind, place.host, place.port) == ("rtsp", "2001:db8::1", 8554)
    assert (place.path, place.user, place.password) == ("/stream?channel=1", "door", "p@ss:")
    assert place_of("http://camera/live").port == 80


def test_the_password_is_shown_nowhere() -> None:
    place = place_of("rtsp://door:secret@camera/live")
    assert place.shown == "rtsp://camera:554/live"
    assert "secret" not in f"{place!r} {place.shown}"


def test_a_film_is_named_by_its_whole_path(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.touch()
    assert place_of(f"file://{film}").path == place_of(str(film)).path == str(film)


@pytest.mark.parametrize(
    "text",
    [
        "film.mp4",
        "/nowhere/film.mp4",
        "ftp://camera/live",
        "gopher://camera/",
        "rtsp://",
        "http://camera:99999/",
        "http://camera/a b",
        "http://camera/\r\nHost: elsewhere",
        "rtsp://door%0d:secret@camera/",
        "rtsp://do%3Aor:secret@camera/",
        "",
    ],
)
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        place_of(text)
