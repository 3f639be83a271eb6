"""MJPEG over HTTP: pictures one after another, parts of an answer that never ends (multipart/x-mixed-replace)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse

from regard.streams.cameras.challenges import authorization
from regard.streams.cameras.packets import MOST_BYTES, SILENT_SECONDS, Packet
from regard.streams.cameras.places import Place
from regard.streams.cameras.reaching import Reach
from regard.streams.errors import CameraLost, CameraUnfit

_MOST_LINE, _MOST_LINES = 1024, 32
_CHUNK = 1 << 16
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


class Mjpeg:
    """A camera that speaks HTTP. Raises CameraLost, CameraUnfit and AddressRefused as it is opened."""

    codec = "mjpeg"

    def __init__(self, place: Place, reach: Reach) -> None:
        self._place, self._reach = place, reach
        self._socket: socket.socket | None = None
        self._answer: HTTPResponse | None = None
        try:
            self._asked()
        except (HTTPException, OSError) as error:
            self.close()
            raise _lost(place, error) from None
        except BaseException:
            self.close()
            raise

    def packets(self) -> Iterator[Packet]:
        """The pictures. Raises CameraLost where no more come, CameraUnfit for what is no JPEG."""
        try:
            while True:
                data = self._part()
                if not data.startswith(_JPEG):
                    raise CameraUnfit(
                        f"{self._place.shown} sends parts that are no JPEG. Give the address of its MJPEG."
                    )
                yield Packet(data, True)
        except (HTTPException, OSError, ValueError) as error:
            raise _lost(self._place, error) from None

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            with suppress(OSError):
                # Not TLS's own, which would take the layer away from under whoever reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            self._socket.close()
        if self._answer is not None:
            self._answer.close()

    def _asked(self) -> None:
        answer = self._get(None)
        if answer.status == 401:
            header = authorization(answer.headers.get_all("WWW-Authenticate", []), self._place, "GET", self._place.path)
            if header is not None:
                self.close()
                answer = self._get(header)
        if answer.status in (401, 403):
            raise CameraUnfit(f"{self._place.shown} wants another user or password ({answer.status}). Set it anew.")
        if 300 <= answer.status < 400:
            raise CameraUnfit(f"{self._place.shown} leads elsewhere, which is not followed. Give that address itself.")
        if answer.status != 200:
            raise CameraLost(f"{self._place.shown} answers {answer.status}")
        kind = answer.headers.get_content_type()
        if kind != "multipart/x-mixed-replace":
            raise CameraUnfit(f"{self._place.shown} sends {kind}, not MJPEG (multipart/x-mixed-replace).")

    def _get(self, header: str | None) -> HTTPResponse:
        place = self._place
        plain = self._reach.connected(place.host, place.port, SILENT_SECONDS)
        self._socket = plain
        if place.kind == "https":
            self._socket = ssl.create_default_context().wrap_socket(plain, server_hostname=place.host)
        connection = HTTPConnection(place.host, place.port)
        connection.sock = self._socket
        headers = {"Accept": "multipart/x-mixed-replace", "User-Agent": "regard", "Connection": "close"}
        connection.request("GET", place.path, headers=headers | ({"Authorization": header} if header else {}))
        self._answer = connection.getresponse()
        return self._answer

    def _part(self) -> bytes:
        """The next part, without its headers."""
        answer, length, begun = self._answer, -1, False
        assert answer is not None
        for _ in range(_MOST_LINES):
            line = answer.readline(_MOST_LINE)
            if not line:
                raise ConnectionResetError("it ended")
            if begun and not line.strip():
                break
            begun = begun or line.startswith(b"--")
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        if length > MOST_BYTES:
            raise CameraUnfit(
                f"{self._place.shown} sends pictures of {length:,} bytes; at most {MOST_BYTES:,} are taken."
            )
        return self._whole(answer, length) if length >= 0 else self._until_end(answer)

    def _whole(self, answer: HTTPResponse, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            part = answer.read(min(_CHUNK, length - len(data)))
            if not part:
                raise ConnectionResetError("it ended")
            data += part
        return bytes(data)

    def _until_end(self, answer: HTTPResponse) -> bytes:
        """A picture whose length is not told: up to the mark at its end."""
        data = bytearray()
        while not data.endswith((_JPEG_END + b"\r\n", _JPEG_END + b"\n")):
            line = answer.readline(_CHUNK)
            if not line:
                raise ConnectionResetError("it ended")
            data += line
            if len(data) > MOST_BYTES:
                raise CameraUnfit(f"{self._place.shown} sends a picture without an end.")
        return bytes(data)


def _lost(place: Place, error: Exception) -> Exception:
    if isinstance(error, CameraLost):
        return error
    cause = f"silent for {SILENT_SECONDS:.0f} seconds" if isinstance(error, TimeoutError) else str(error)
    return CameraLost(f"{place.shown}: {cause or type(error).__name__}")
