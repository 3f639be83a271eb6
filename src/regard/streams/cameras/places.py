"""Where a source is, as the operator writes it: rtsp://…, http://…, a file of this machine, or - for a pipe."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

_PORTS = {"rtsp": 554, "http": 80, "https": 443}
FILE, PIPE = "file", "-"
_FORMS = "rtsp://HOST/PATH, http://HOST/PATH of an MJPEG stream, the path of a film, or - for standard input"


@dataclass(frozen=True, slots=True)
class Place:
    """A source: its `kind` is rtsp, http, https, file or -. The password is shown nowhere."""

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """The place without user and password."""
        if self.kind in (FILE, PIPE):
            return self.path or PIPE
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}{self.path}"


def place_of(text: str) -> Place:
    """The place that a text names. Raises ValueError for what is none."""
    if text == PIPE:
        return Place(PIPE)
    scheme = text.partition("://")[0].lower() if "://" in text else FILE
    if scheme == FILE:
        film = Path(text.removeprefix("file://"))
        if not film.is_absolute() or not film.is_file():
            raise ValueError(f"{text} is no file: give its whole path, or {_FORMS}.")
        return Place(FILE, path=str(film))
    if scheme not in _PORTS:
        raise ValueError(f"{scheme}:// is no source: {_FORMS}.")
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS[scheme]
    except ValueError as error:
        raise ValueError(f"The address of the source cannot be read: {error}.") from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not parts.hostname or any(not 0x20 < ord(each) < 0x7F for each in parts.hostname + path):
        raise ValueError(f"The address of the source has no host, or blanks in it: {_FORMS}.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if any(ord(each) < 0x20 for each in user + password) or ":" in user:
        raise ValueError("User and password of a source have no control characters, and the user has no colon.")
    return Place(scheme, parts.hostname, port, path, user, password)


def is_address(text: str) -> bool:
    """Whether a source is an address of the network, and no film or pipe of this machine."""
    return text.partition("://")[0].lower() in _PORTS


def camera_of(address: str, key: bytes) -> str:
    """The digest of the address that a stream's ARN leads to, without what logs in there; in hexadecimal.

    Motions are public, and addresses are few: `key` keeps them from being guessed. Who has a stream's ARN lead to
    another camera changes the digest, and with it what the motion was about.
    """
    parts = urlsplit(address)
    place = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2].casefold()))
    return hmac.digest(key, f"regard.camera/v1\n{place}".encode(), "sha256").hex()
