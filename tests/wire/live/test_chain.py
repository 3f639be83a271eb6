"""The chain of signatures: what AWS's own client signed is taken, frame after frame, and nothing that was touched."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from regard.wire.live.chain import Chain
from regard.wire.live.frames import Malformed, decoded, encoded
from regard.wire.signature import (
    ADDRESS,
    Claim,
    Head,
    Rules,
    SignatureRefused,
    check_address,
    read_query_claim,
)
from tests.helpers.wire_stub import KEY, NOW

# What @aws-sdk/client-rekognitionstreaming 3.1112.0 opened and sent at NOW, with KEY; its film is seven bytes.
_SENT = json.loads((Path(__file__).parents[2] / "data" / "liveness_stream.json").read_text())
_URL = urlsplit(_SENT["url"])
FRAMES = [base64.b64decode(each) for each in _SENT["frames"]]
HEADERS = (("host", "regard.test:4599"), ("origin", "https://example.org"), ("upgrade", "websocket"))
WHEN = datetime.fromtimestamp(NOW, UTC)


def _claim(query: str = _URL.query, now: datetime = WHEN, rules: Rules = ADDRESS) -> Claim:
    claim = read_query_claim(query, HEADERS, rules, now)
    check_address(claim, Head("GET", _URL.path, query, HEADERS), KEY.secret)
    return claim


def test_what_awss_client_signed_is_taken_from_its_address_to_its_empty_end() -> None:
    claim = _claim()
    assert (claim.access_key_id, claim.region) == (KEY.access_key_id, "us-east-1")
    chain = Chain(claim, KEY.secret, lambda: NOW)
    film, told, end, last = [chain(frame) for frame in FRAMES]
    assert decoded(film).headers[":event-type"] == "VideoEvent"
    assert base64.b64decode(json.loads(decoded(film).payload)["VideoChunk"]).startswith(b"\x1aE\xdf\xa3")
    assert "FaceMovementAndLightChallenge" in json.loads(decoded(told).payload)["Challenge"]
    assert json.loads(decoded(end).payload)["VideoChunk"] == ""
    assert last == b""


@pytest.mark.parametrize("order", [[1], [0, 0], [0, 2], [0, 1, 1], [2, 1, 0], [3]])
def test_frames_that_were_left_out_repeated_or_moved_are_refused(order: list[int]) -> None:
    chain = Chain(_claim(), KEY.secret, lambda: NOW)
    with pytest.raises(SignatureRefused, match="does not follow"):
        _ = [chain(FRAMES[place]) for place in order]


def test_a_frame_whose_payload_or_headers_were_changed_is_refused() -> None:
    first = decoded(FRAMES[0])
    for changed in (
        encoded(first.headers, first.payload + b" "),
        encoded({**first.headers, ":chunk-signature": bytes(32)}, first.payload),
    ):
        with pytest.raises(SignatureRefused):
            Chain(_claim(), KEY.secret, lambda: NOW)(changed)
    for other in (
        encoded({**first.headers, "more": "x"}, first.payload),
        encoded({":date": "today", ":chunk-signature": bytes(32)}, first.payload),
        encoded({}, first.payload),
    ):
        with pytest.raises(Malformed):
            Chain(_claim(), KEY.secret, lambda: NOW)(other)
    with pytest.raises(SignatureRefused):
        Chain(_claim(), "another/secret", lambda: NOW)(FRAMES[0])
    with pytest.raises(SignatureRefused, match="far from this clock"):
        Chain(_claim(), KEY.secret, lambda: NOW + 301)(FRAMES[0])


@pytest.mark.parametrize("host", ["regard.test", "regard.test:443", "regard.test:4599"])
def test_the_port_that_awss_client_does_not_sign_is_of_no_account_and_the_host_is(host: str) -> None:
    claim = _claim()
    check_address(claim, Head("GET", _URL.path, _URL.query, (("host", host),)), KEY.secret)
    for other in (f"not.{host}", host.replace("regard", "guard"), ""):
        with pytest.raises(SignatureRefused, match="does not match"):
            check_address(claim, Head("GET", _URL.path, _URL.query, (("host", other),)), KEY.secret)


@pytest.mark.parametrize(
    "change",
    [
        ("video-width=640", "video-width=320"),
        ("session-id=c0ffee00", "session-id=c0ffee01"),
        ("X-Amz-Expires=299", "X-Amz-Expires=300"),
        ("attempt-count=1&", ""),
        ("X-Amz-Signature=6", "X-Amz-Signature=7"),
        ("us-east-1", "eu-west-1"),
    ],
)
def test_an_address_that_was_changed_is_refused(change: tuple[str, str]) -> None:
    changed = _URL.query.replace(*change)
    assert changed != _URL.query
    with pytest.raises(SignatureRefused, match="does not match"):
        _claim(changed)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("session-id=x", "MissingAuthenticationTokenException"),
        (f"{_URL.query}&X-Amz-Date=20270115T080000Z", "IncompleteSignatureException"),
        (_URL.query.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), "IncompleteSignatureException"),
        (_URL.query.replace("X-Amz-Expires=299&", ""), "IncompleteSignatureException"),
        (_URL.query.replace("%2Faws4_request", ""), "IncompleteSignatureException"),
        (_URL.query.replace("2Frekognition", "2Fregard"), "InvalidSignatureException"),
        (_URL.query.replace("SignedHeaders=host", "SignedHeaders=origin"), "InvalidSignatureException"),
        (_URL.query.replace("20270115T080000Z", "20270115"), "IncompleteSignatureException"),
        (_URL.query.replace("Expires=299", "Expires=-1"), "InvalidSignatureException"),
    ],
)
def test_an_address_that_is_not_signed_as_it_must_be_says_so(query: str, code: str) -> None:
    with pytest.raises(SignatureRefused) as refused:
        _claim(query)
    assert refused.value.code == code


def test_an_address_is_good_for_as_long_as_it_says_and_in_the_regions_that_are_served() -> None:
    _claim(now=WHEN + timedelta(seconds=299))
    for seconds in (300, -301):
        with pytest.raises(SignatureRefused, match="Signature expired"):
            _claim(now=WHEN + timedelta(seconds=seconds))
    # The words that AWS's client looks for, to say that the region is wrong.
    with pytest.raises(SignatureRefused, match="valid region"):
        _claim(rules=Rules("rekognition", frozenset({"host"}), ("eu-central-1",)))
