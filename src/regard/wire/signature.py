"""Signature Version 4, checked: who signed, and that nothing was changed on the way.

The head of a request is checked before its body is read, so that strangers cannot make the service buffer
anything: the date is near, the scope is ours, everything that matters was signed. What must be signed and for
which service are parameters, because our own HTTP API is signed too.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from urllib.parse import parse_qsl, quote

ALGORITHM = "AWS4-HMAC-SHA256"
CLOCK_SKEW_SECONDS = 300
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_TERMINATOR = "aws4_request"
_MOMENT = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_HASH = re.compile(r"[0-9a-f]{64}")
_IN_QUERY = {name: f"X-Amz-{name}" for name in ("Algorithm", "Credential", "Date", "SignedHeaders", "Signature")}
_PORT = re.compile(r":[0-9]+$")
_EXPIRES, _TOKEN = "X-Amz-Expires", "X-Amz-Security-Token"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)

Headers = Sequence[tuple[str, str]]


class SignatureRefused(PermissionError):
    """The request is not signed as it must be. `code` is the error code that AWS's clients know."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Rules:
    """What a signature must cover: a service, its regions (empty: any) and these headers."""

    service: str
    required: frozenset[str]
    regions: Collection[str] = ()


REKOGNITION = Rules("rekognition", frozenset({"host", "x-amz-date", "x-amz-target"}))
# An address that was signed, as a browser opens a WebSocket with it, has nothing but Host to sign beside itself.
ADDRESS = Rules("rekognition", frozenset({"host"}))


@dataclass(frozen=True, slots=True)
class Claim:
    """What the head of a request claims: who signed, when, for which region, and what was signed."""

    access_key_id: str
    moment: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    session_token: str | None
    payload_hash: str | None

    @property
    def scope(self) -> str:
        """Day, region, service and terminator, as the signature covers them."""
        return f"{self.moment[:8]}/{self.region}/{self.service}/{_TERMINATOR}"


@dataclass(frozen=True, slots=True)
class Head:
    """What a signature covers beside the body. `path` is decoded; names of headers are lower case."""

    method: str
    path: str
    query: str
    headers: Headers


def read_claim(headers: Headers, rules: Rules, now: datetime) -> Claim:
    """The claim of a request's head, checked against `rules` and the clock. Raises SignatureRefused.

    Names in `headers` are lower case.
    """
    found = _single(headers, "authorization")
    if found is None:
        raise SignatureRefused("MissingAuthenticationTokenException", "Missing Authentication Token")
    parts = _AUTHORIZATION.fullmatch(found.strip())
    if parts is None:
        raise SignatureRefused(
            "IncompleteSignatureException",
            f"Authorization must read '{ALGORITHM} Credential=…, SignedHeaders=…, Signature=…'.",
        )
    credential = parts["credential"].split("/")
    if len(credential) != 5:
        raise SignatureRefused(
            "IncompleteSignatureException",
            "Credential must have the form KEY/DATE/REGION/SERVICE/aws4_request.",
        )
    signed = tuple(parts["headers"].split(";"))
    _check_signed(signed, headers, rules)
    moment = _single(headers, "x-amz-date") or ""
    _check_scope(credential, moment, rules)
    _check_clock(moment, now)
    return Claim(
        access_key_id=credential[0],
        moment=moment,
        region=credential[2],
        service=credential[3],
        signed_headers=signed,
        signature=parts["signature"],
        session_token=_single(headers, "x-amz-security-token"),
        payload_hash=_single(headers, "x-amz-content-sha256"),
    )


def read_query_claim(query: str, headers: Headers, rules: Rules, now: datetime) -> Claim:
    """The claim of an address that was signed, in its query, checked as :func:`read_claim` does. Raises
    SignatureRefused: so it is when the time is over that the address says it may be used for.
    """
    given = Counter(name for name, _ in parse_qsl(query, keep_blank_values=True))
    told = dict(parse_qsl(query, keep_blank_values=True))
    if not any(name in given for name in _IN_QUERY.values()):
        raise SignatureRefused("MissingAuthenticationTokenException", "Missing Authentication Token")
    names = (*_IN_QUERY.values(), _EXPIRES)
    if any(given[name] != 1 for name in names) or given[_TOKEN] > 1 or told[_IN_QUERY["Algorithm"]] != ALGORITHM:
        raise SignatureRefused(
            "IncompleteSignatureException",
            f"The address must have {', '.join(names)} once each, and the algorithm {ALGORITHM}.",
        )
    credential = told[_IN_QUERY["Credential"]].split("/")
    if len(credential) != 5 or not _HASH.fullmatch(told[_IN_QUERY["Signature"]]):
        raise SignatureRefused(
            "IncompleteSignatureException", "Credential must have the form KEY/DATE/REGION/SERVICE/aws4_request."
        )
    signed = tuple(told[_IN_QUERY["SignedHeaders"]].split(";"))
    _check_signed(signed, headers, rules)
    moment, seconds = told[_IN_QUERY["Date"]], told[_EXPIRES]
    _check_scope(credential, moment, rules)
    _check_clock(moment, now)
    age = (now - datetime.fromisoformat(moment)).total_seconds()
    if not (seconds.isdecimal() and len(seconds) < 7) or age > int(seconds):
        raise SignatureRefused("InvalidSignatureException", "Signature expired: the address was to be used sooner.")
    return Claim(
        access_key_id=credential[0],
        moment=moment,
        region=credential[2],
        service=credential[3],
        signed_headers=signed,
        signature=told[_IN_QUERY["Signature"]],
        session_token=told.get(_TOKEN),
        payload_hash=None,
    )


def check_address(claim: Claim, head: Head, secret: str) -> None:
    """Check the signature of an address, which stands in its query. Raises SignatureRefused.

    AWS's client for browsers signs the host without its port, which it opens the WebSocket with: either is taken.
    """
    rest = "&".join(each for each in head.query.split("&") if not each.startswith(f"{_IN_QUERY['Signature']}="))
    head, nothing = replace(head, query=rest), hashlib.sha256(b"").hexdigest()
    try:
        _check(claim, head, nothing, secret)
    except SignatureRefused:
        host = _single(head.headers, "host") or ""
        bare = host.rpartition(":")[0] if _PORT.search(host) else host
        if bare == host:
            raise
        others = [(name, value) for name, value in head.headers if name != "host"]
        _check(claim, replace(head, headers=[*others, ("host", bare)]), nothing, secret)


def signed_with(secret: str, scope: str, text: str) -> str:
    """The signature of a text under the key that a secret gives for a scope, in hexadecimal digits."""
    return hmac.digest(_signing_key(secret, scope), text.encode(), "sha256").hex()


def check_head(claim: Claim, head: Head, secret: str) -> bool:
    """Check the signature before the body comes, where the head says the body's hash; whether it does.

    What the client's signature covers is that hash, and not the body: :func:`check_body` then has to see that it is
    the body's. Raises SignatureRefused.
    """
    if claim.payload_hash is None:
        return False
    if not _HASH.fullmatch(claim.payload_hash):
        raise SignatureRefused(
            "InvalidSignatureException",
            "The body must be signed: UNSIGNED-PAYLOAD is not accepted."
            if claim.payload_hash == UNSIGNED_PAYLOAD
            else "X-Amz-Content-SHA256 must be the SHA-256 of the whole body, in 64 hexadecimal digits.",
        )
    _check(claim, head, claim.payload_hash, secret)
    return True


def check_body(claim: Claim, head: Head, body: bytes, secret: str, *, checked: bool) -> None:
    """Check the body: against the hash that :func:`check_head` `checked`, else by the signature itself.

    Raises SignatureRefused.
    """
    found = hashlib.sha256(body).hexdigest()
    if not checked:
        _check(claim, head, found, secret)
    elif claim.payload_hash is None or not hmac.compare_digest(claim.payload_hash, found):
        raise SignatureRefused(
            "InvalidSignatureException", "The body does not have the X-Amz-Content-SHA256 that was sent with it."
        )


def _check(claim: Claim, head: Head, payload_hash: str, secret: str) -> None:
    """Sign the request again and compare, in constant time. Raises SignatureRefused."""

    def fits(host: str | None = None) -> bool:
        request = "\n".join(
            [
                head.method,
                quote(head.path, safe="/-_.~"),
                _canonical_query(head.query),
                *(f"{name}:{host if host and name == 'host' else values[name]}" for name in claim.signed_headers),
                "",
                ";".join(claim.signed_headers),
                payload_hash,
            ]
        )
        digest = hashlib.sha256(request.encode("latin-1")).hexdigest()
        text = "\n".join([ALGORITHM, claim.moment, claim.scope, digest])
        return hmac.compare_digest(signed_with(secret, claim.scope, text), claim.signature)

    values = _canonical_values(head.headers, frozenset(claim.signed_headers))
    if not fits():
        signed = next((host for host in _other_hosts(head.headers) if fits(host)), None)
        cause = (
            f"The client signed the host {signed!r}, and {values['host']!r} arrived: have the proxy pass on Host."
            if signed
            else "Check your AWS Secret Access Key and signing method."
        )
        raise SignatureRefused(
            "InvalidSignatureException",
            f"The request signature we calculated does not match the signature you provided. {cause}",
        )


def _canonical_values(headers: Headers, names: frozenset[str]) -> dict[str, str]:
    """What signatures cover of each of these headers: values without outer and double spaces, joined by commas.

    Each character of the result stands for one byte, whatever the client wrote the header in; only spaces of ASCII are
    spaces.
    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        if name in names:
            values.setdefault(name, []).append(b" ".join(value.encode("latin-1").split()).decode("latin-1"))
    return {name: ",".join(given) for name, given in values.items()}


def _other_hosts(headers: Headers) -> list[str]:
    """What the client may have called this service, where a proxy says what it changed. For the text of errors."""
    found = [host.strip() for name, value in headers if name == "x-forwarded-host" for host in value.split(",")]
    ports = [value.strip() for name, value in headers if name == "x-forwarded-port"][:1]
    return [*found, *(f"{host}:{port}" for host in found for port in ports if ":" not in host)][:8]


def _check_signed(signed: tuple[str, ...], headers: Headers, rules: Rules) -> None:
    # Counted once: strangers send these, and looking through them for each name would cost their number squared.
    names = Counter(name for name, _ in headers)
    sensitive = {name for name in names if name.startswith("x-amz-")} | rules.required
    for name in sorted(sensitive - set(signed)):
        raise SignatureRefused(
            "InvalidSignatureException", f"'{name}' must be a 'SignedHeader' in the AWS Authorization."
        )
    for name in signed:
        # One that says who calls, when, where and what is read once; of others all values are signed.
        if names[name] != 1 and (name in rules.required or not names[name]):
            raise SignatureRefused(
                "InvalidSignatureException", f"The signed header '{name}' must be sent exactly once."
            )
    if list(signed) != sorted(set(signed)):
        raise SignatureRefused("IncompleteSignatureException", "SignedHeaders must be sorted, each name once.")


def _check_scope(credential: list[str], moment: str, rules: Rules) -> None:
    _, day, region, service, terminator = credential
    if service != rules.service:
        raise SignatureRefused(
            "InvalidSignatureException", f"Credential should be scoped to correct service: '{rules.service}'."
        )
    if terminator != _TERMINATOR:
        raise SignatureRefused(
            "InvalidSignatureException",
            f"Credential should be scoped with a valid terminator: '{_TERMINATOR}'.",
        )
    if rules.regions and region not in rules.regions:
        raise SignatureRefused(
            "InvalidSignatureException",
            f"Credential should be scoped to a valid region: {', '.join(sorted(rules.regions))}.",
        )
    if not region or day != moment[:8]:
        raise SignatureRefused(
            "InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from X-Amz-Date."
        )


def _check_clock(moment: str, now: datetime) -> None:
    try:
        # The same as strptime with this form, at a tenth of its cost.
        signed_at = datetime.fromisoformat(moment if _MOMENT.fullmatch(moment) else "")
    except ValueError:
        raise SignatureRefused(
            "IncompleteSignatureException", "X-Amz-Date must have the form YYYYMMDD'T'HHMMSS'Z'."
        ) from None
    if abs((now - signed_at).total_seconds()) > CLOCK_SKEW_SECONDS:
        raise SignatureRefused(
            "InvalidSignatureException",
            f"Signature expired: {moment} is more than {CLOCK_SKEW_SECONDS // 60} minutes from this service's "
            f"clock, {now:%Y%m%dT%H%M%SZ}. Set the clock of the client.",
        )


def _single(headers: Headers, name: str) -> str | None:
    found = [value for key, value in headers if key == name]
    if len(found) > 1:
        raise SignatureRefused("IncompleteSignatureException", f"The header '{name}' was sent more than once.")
    return found[0] if found else None


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}" for key, value in sorted(pairs))


@lru_cache(maxsize=1024)
def _signing_key(secret: str, scope: str) -> bytes:
    # The same for a whole day, so that AWS's own clients keep it too.
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
