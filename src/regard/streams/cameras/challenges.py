"""User and password, as HTTP and RTSP servers ask for them: Basic (RFC 7617) and Digest (RFC 7616, with MD5 as cameras
still have it, or SHA-256).
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable

from regard.streams.cameras.places import Place

_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}


def authorization(challenges: list[str], place: Place, method: str, address: str) -> str | None:
    """The header that answers one of the challenges of a server; None where there is no user, or none is known."""
    if not place.user:
        return None
    for each in sorted(challenges, key=lambda each: not each.lower().startswith("digest")):
        kind, _, rest = each.strip().partition(" ")
        if kind.lower() == "basic":
            return "Basic " + base64.b64encode(f"{place.user}:{place.password}".encode()).decode()
        if kind.lower() == "digest" and (answer := _digest(_pairs(rest), place, method, address)):
            return answer
    return None


def _pairs(text: str) -> dict[str, str]:
    return {name.lower(): quoted or plain for name, quoted, plain in _PAIR.findall(text)}


def _digest(asked: dict[str, str], place: Place, method: str, address: str) -> str | None:
    digest = _HASHES.get(asked.get("algorithm", "MD5").upper())
    if digest is None or not {"realm", "nonce"} <= asked.keys():
        return None
    told = {"username": place.user, "realm": asked["realm"], "nonce": asked["nonce"], "uri": address}
    one = digest(f"{place.user}:{asked['realm']}:{place.password}".encode())
    two = digest(f"{method}:{address}".encode())
    more = ""
    if "auth" in [each.strip() for each in asked.get("qop", "").split(",")]:
        own = secrets.token_hex(8)
        told["response"] = digest(f"{one}:{asked['nonce']}:00000001:{own}:auth:{two}".encode())
        more = f', qop=auth, nc=00000001, cnonce="{own}"'
    else:
        told["response"] = digest(f"{one}:{asked['nonce']}:{two}".encode())
    told |= {name: asked[name] for name in ("opaque",) if name in asked}
    named = ", ".join(f'{name}="{_quoted(value)}"' for name, value in told.items())
    algorithm = f", algorithm={asked['algorithm']}" if "algorithm" in asked else ""
    return f"Digest {named}{algorithm}{more}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
