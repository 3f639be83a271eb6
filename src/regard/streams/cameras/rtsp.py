"""RTSP 1.0 (RFC 2326), as cameras speak it: H.264 and H.265, over the one connection that was made (interleaved).

Nothing else is connected to, whatever the camera says: addresses in its answers are words that are sent back to it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import BufferedReader
from typing import NamedTuple

from regard.streams.cameras.challenges import authorization
from regard.streams.cameras.packets import SILENT_SECONDS, Packet
from regard.streams.cameras.places import Place
from regard.streams.cameras.reaching import Reach
from regard.streams.cameras.rtp import Assembly, parameter_sets
from regard.streams.errors import CameraLost, CameraUnfit

_CODECS = {"H264": "h264", "H265": "hevc"}
_MOST_LINE, _MOST_LINES, _MOST_BODY = 4096, 64, 64 * 1024
# Cameras hang up after 60 seconds without a word, many say.
_ALIVE_SECONDS = 25.0
_INTERLEAVED = b"$"


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, list[str]]
    body: bytes

    def first(self, name: str) -> str:
        return self.headers.get(name, [""])[0]


class _Offer(NamedTuple):
    """The video of a camera: its codec, where it is asked for, and the parameter sets that it has beforehand."""

    codec: str
    control: str
    before: list[bytes]


class Rtsp:
    """A camera that speaks RTSP. Raises CameraLost, CameraUnfit and AddressRefused as it is opened."""

    def __init__(self, place: Place, reach: Reach) -> None:
        self._place = place
        host = f"[{place.host}]" if ":" in place.host else place.host
        self._address = f"rtsp://{host}:{place.port}{place.path}"
        self._number, self._session, self._challenges = 0, "", list[str]()
        self._socket = reach.connected(place.host, place.port, SILENT_SECONDS)
        self._file: BufferedReader = self._socket.makefile("rb")
        try:
            offer = self._offer()
            self.codec = offer.codec
            self._assembly = Assembly(offer.codec, offer.before)
            self._play(offer.control)
        except (OSError, ValueError) as error:
            self.close()
            raise self._lost(error) from None
        except BaseException:
            self.close()
            raise

    def packets(self) -> Iterator[Packet]:
        """The pictures. Raises CameraLost where no more come."""
        alive = time.monotonic() + _ALIVE_SECONDS
        try:
            while True:
                if time.monotonic() > alive:
                    alive = time.monotonic() + _ALIVE_SECONDS
                    self._send("GET_PARAMETER", self._address)
                first = self._file.read(1)
                if not first:
                    raise ConnectionResetError("it ended")
                if first != _INTERLEAVED:
                    self._answer(first)
                    continue
                channel, length = self._exactly(1)[0], int.from_bytes(self._exactly(2))
                data = self._exactly(length)
                # Channel 1 tells what only senders of sound and pictures want to know.
                if channel == 0:
                    yield from self._assembly.add(data)
        except (OSError, ValueError) as error:
            raise self._lost(error) from None

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._file.close()
        self._socket.close()

    def _offer(self) -> _Offer:
        answer = self._asked("DESCRIBE", self._address, {"Accept": "application/sdp"})
        base = answer.first("content-base") or answer.first("content-location") or self._address
        return _video(answer.body.decode(errors="replace"), base, self._place)

    def _play(self, control: str) -> None:
        answer = self._asked("SETUP", control, {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"})
        if "interleaved=0" not in answer.first("transport").replace(" ", ""):
            raise CameraUnfit(f"{self._place.shown} does not send over TCP. Switch RTP over RTSP on in the camera.")
        self._session = answer.first("session").partition(";")[0].strip()
        self._asked("PLAY", self._address, {"Range": "npt=0.000-"})

    def _asked(self, method: str, address: str, headers: Mapping[str, str]) -> _Answer:
        """The answer to a request, asked again with user and password where the camera wants them."""
        for _ in range(2):
            self._send(method, address, headers)
            answer = self._answer(self._file.read(1))
            if answer.status != 401 or self._challenges:
                break
            self._challenges = list(answer.headers.get("www-authenticate", []))
        if answer.status in (401, 403):
            raise CameraUnfit(f"{self._place.shown} wants another user or password ({answer.status}). Set it anew.")
        if 300 <= answer.status < 400:
            raise CameraUnfit(f"{self._place.shown} leads elsewhere, which is not followed. Give that address itself.")
        if answer.status == 404:
            raise CameraUnfit(f"{self._place.shown} is not known to the camera (404). Look up the path in its manual.")
        if answer.status != 200:
            raise CameraLost(f"it answers {answer.status} to {method}")
        return answer

    def _send(self, method: str, address: str, headers: Mapping[str, str] | None = None) -> None:
        if any(not 0x20 < ord(each) < 0x7F for each in address):
            raise CameraUnfit(f"{self._place.shown} names an address with blanks in it.")
        self._number += 1
        told = {"CSeq": str(self._number), "User-Agent": "regard", **(headers or {})}
        if self._session:
            told["Session"] = self._session
        if self._challenges and (header := authorization(self._challenges, self._place, method, address)):
            told["Authorization"] = header
        lines = [f"{method} {address} RTSP/1.0", *(f"{name}: {value}" for name, value in told.items()), "", ""]
        self._socket.sendall("\r\n".join(lines).encode())

    def _answer(self, first: bytes) -> _Answer:
        """An answer, the first byte of which was read; pictures that come before it are passed over."""
        while first == _INTERLEAVED:
            self._exactly(1)
            self._exactly(int.from_bytes(self._exactly(2)))
            first = self._file.read(1)
        line = (first + self._file.readline(_MOST_LINE)).decode("latin-1").split(" ", 2)
        if len(line) < 2 or not line[0].startswith("RTSP/"):
            raise ConnectionResetError("it does not speak RTSP")
        headers: dict[str, list[str]] = {}
        for _ in range(_MOST_LINES):
            name, _, value = self._file.readline(_MOST_LINE).decode("latin-1").partition(":")
            if not name.strip():
                break
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        length = int(headers.get("content-length", ["0"])[0])
        if not 0 <= length <= _MOST_BODY:
            raise ConnectionResetError(f"it sends an answer of {length} bytes")
        return _Answer(int(line[1]), headers, self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise ConnectionResetError("it ended")
        return data

    def _lost(self, error: Exception) -> CameraLost:
        cause = f"silent for {SILENT_SECONDS:.0f} seconds" if isinstance(error, TimeoutError) else str(error)
        return CameraLost(f"{self._place.shown}: {cause or type(error).__name__}")


def _video(text: str, base: str, place: Place) -> _Offer:
    """The video that an SDP (RFC 8866) offers. Raises CameraUnfit."""
    control, codec, before, within, seen = "", "", list[bytes](), False, ""
    for line in text.splitlines():
        name, _, value = line.strip().partition("=")
        if name == "m":
            if within:
                break
            within = value.startswith("video ")
        elif within and name == "a":
            kind, _, told = value.partition(":")
            if kind == "control":
                control = told.strip()
            elif kind == "rtpmap":
                seen = told.partition(" ")[2].partition("/")[0].upper()
                codec = _CODECS.get(seen, "")
            elif kind == "fmtp":
                pairs = dict(each.strip().partition("=")[::2] for each in told.partition(" ")[2].split(";"))
                for each in ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets"):
                    before += parameter_sets(pairs.get(each, ""))
    if not within or not codec:
        raise CameraUnfit(f"{place.shown} offers {seen or 'no'} video; set the camera to H.264 or H.265.")
    if not control.startswith("rtsp://"):
        control = base if control in ("", "*") else f"{base.rstrip('/')}/{control}"
    return _Offer(codec, control, before)
