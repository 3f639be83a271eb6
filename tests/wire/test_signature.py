from __future__ import annotations

import ast
import asyncio
import hashlib
import inspect
import textwrap
import time
from dataclasses import replace

import pytest

from regard.wire import app, signature
from regard.wire.errors import CONTENT_TYPE
from regard.wire.signature import REKOGNITION
from tests.helpers.wire_client import Request, sign
from tests.helpers.wire_stub import HOST, KEY, NOW, Answered, Wire, detect, messages, scope_of
from tests.helpers.wire_stub import exchange as exchange_with

MINUTE = 60


def told(request: Request, wire: Wire | None = None) -> Answered:
    return (wire or Wire()).ask(request)


def signed_again(request: Request, **extra: str) -> Request:
    """The request with more headers, all of them signed."""
    headers = {name.replace("_", "-"): value for name, value in extra.items()}
    bare = {key: value for key, value in request.headers.items() if key not in ("Authorization", "X-Amz-Date")}
    return sign(
        Request(request.body, {**bare, **headers}),
        host=HOST,
        access_key_id=KEY.access_key_id,
        secret=KEY.secret,
        now=NOW,
    )


def with_headers(request: Request, **changed: str | None) -> Request:
    """The request with headers changed, added or (None) taken away after it was signed."""
    names = {name.replace("_", "-"): value for name, value in changed.items()}
    merged = {**request.headers, **names}
    return Request(request.body, {key: value for key, value in merged.items() if value is not None})


def test_a_request_signed_by_botocore_is_accepted() -> None:
    assert told(detect()).status == 200


def test_a_request_without_a_signature_is_refused() -> None:
    answer = told(with_headers(detect(), Authorization=None))
    assert (answer.status, answer.code) == (400, "MissingAuthenticationTokenException")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic dXNlcjpwYXNzd29yZA==",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=a/20270115/r/rekognition/aws4_request, SignedHeaders=host, Signature=XYZ",
        "AWS4-HMAC-SHA512 Credential=a/b/c/d/e, SignedHeaders=host, Signature=" + "0" * 64,
    ],
)
def test_an_authorization_that_lacks_a_part_is_incomplete(authorization: str) -> None:
    assert told(with_headers(detect(), Authorization=authorization)).code == "IncompleteSignatureException"


def test_a_body_changed_on_the_way_is_refused() -> None:
    request = detect()
    answer = told(Request(request.body.replace(b"Image", b"image"), request.headers))
    assert answer.code == "InvalidSignatureException"


def test_a_target_changed_on_the_way_is_refused() -> None:
    answer = told(with_headers(detect(), **{"X_Amz_Target": "RekognitionService.DeleteCollection"}))
    assert answer.code == "InvalidSignatureException"


def test_a_wrong_secret_is_refused_and_the_right_signature_is_not_told() -> None:
    right = detect().headers["Authorization"].rpartition("=")[2]
    answer = told(detect(secret="another"))
    assert answer.code == "InvalidSignatureException"
    assert right not in answer.message


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-target"])
def test_what_matters_must_be_signed(name: str) -> None:
    request = detect()
    listed = request.headers["Authorization"].replace(f";{name}", "").replace(f"{name};", "")
    answer = told(with_headers(request, Authorization=listed))
    assert answer.code == "InvalidSignatureException"
    assert answer.message == f"'{name}' must be a 'SignedHeader' in the AWS Authorization."


def test_an_x_amz_header_added_on_the_way_is_refused() -> None:
    answer = told(with_headers(detect(), X_Amz_Anything="added"))
    assert answer.code == "InvalidSignatureException"
    assert "'x-amz-anything' must be a 'SignedHeader'" in answer.message


def test_headers_that_proxies_add_need_no_signature() -> None:
    assert told(with_headers(detect(), X_Amzn_Trace_Id="Root=1", X_Forwarded_For="10.0.0.1")).status == 200


def test_an_x_amz_header_that_is_signed_is_accepted() -> None:
    assert told(signed_again(detect(), X_Amz_User_Agent="aws-sdk-js/3")).status == 200


def test_clients_that_sign_the_hash_of_the_body_are_accepted() -> None:
    request = detect()
    digest = hashlib.sha256(request.body).hexdigest()
    assert told(signed_again(request, X_Amz_Content_SHA256=digest)).status == 200


def test_a_signed_hash_of_another_body_is_refused() -> None:
    request = signed_again(detect(), X_Amz_Content_SHA256=hashlib.sha256(detect().body).hexdigest())
    answer = told(Request(request.body + b" ", request.headers))
    assert answer.code == "InvalidSignatureException"
    assert "X-Amz-Content-SHA256" in answer.message


def test_an_unsigned_payload_is_refused() -> None:
    answer = told(signed_again(detect(), X_Amz_Content_SHA256="UNSIGNED-PAYLOAD"))
    assert answer.code == "InvalidSignatureException"
    assert "UNSIGNED-PAYLOAD is not accepted" in answer.message


def test_a_body_hash_beyond_ascii_is_refused_as_any_other_wrong_one() -> None:
    digest = hashlib.sha256(detect().body).hexdigest()
    request = signed_again(detect(), X_Amz_Content_SHA256=digest)
    answer = told(with_headers(request, **{"X_Amz_Content_SHA256": "é" * 64}))
    assert answer.code == "InvalidSignatureException"


@pytest.mark.parametrize("minutes", [-4.9, 0, 4.9])
def test_a_clock_that_is_nearly_right_is_accepted(minutes: float) -> None:
    assert told(detect(now=NOW + minutes * MINUTE)).status == 200


@pytest.mark.parametrize("minutes", [-60 * 24 * 400, -5.1, 5.1, 60])
def test_a_clock_more_than_five_minutes_off_is_refused_both_ways(minutes: float) -> None:
    answer = told(detect(now=NOW + minutes * MINUTE))
    assert answer.code == "InvalidSignatureException"
    assert "more than 5 minutes from this service's clock" in answer.message


@pytest.mark.parametrize("moment", ["", "2027-01-15T08:00:00Z", "20270115", "20271315T080000Z", "\xb2" * 16])
def test_a_date_that_is_none_is_refused(moment: str) -> None:
    request = with_headers(detect(), **{"X_Amz_Date": moment})
    assert told(request).code in ("IncompleteSignatureException", "InvalidSignatureException")


@pytest.mark.parametrize(
    ("part", "other", "cause"),
    [
        ("/rekognition/", "/s3/", "correct service: 'rekognition'"),
        ("/aws4_request", "/aws5_request", "valid terminator: 'aws4_request'"),
        ("/20270115/", "/20270114/", "Date in Credential scope does not match"),
        ("/us-east-1/", "//", "Date in Credential scope"),
    ],
)
def test_a_scope_that_is_not_ours_is_refused(part: str, other: str, cause: str) -> None:
    request = detect()
    assert part in request.headers["Authorization"]
    answer = told(with_headers(request, Authorization=request.headers["Authorization"].replace(part, other)))
    assert answer.code == "InvalidSignatureException"
    assert cause in answer.message


def test_a_signature_made_for_another_service_is_refused() -> None:
    made = sign(
        Request(detect().body, {"X-Amz-Target": "RekognitionService.DetectFaces", "Content-Type": CONTENT_TYPE}),
        host=HOST,
        access_key_id=KEY.access_key_id,
        secret=KEY.secret,
        service="s3",
        now=NOW,
    )
    assert told(made).code == "InvalidSignatureException"


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "anywhere"])
def test_any_region_is_accepted_by_default(region: str) -> None:
    wire = Wire()
    assert told(detect(region=region), wire).status == 200
    assert wire.calls[0].region == region


def test_regions_can_be_limited() -> None:
    wire = Wire(rules=replace(REKOGNITION, regions=("eu-central-1", "eu-west-1")))
    assert told(detect(region="eu-west-1"), wire).status == 200
    answer = told(detect(region="us-east-1"), wire)
    assert answer.code == "InvalidSignatureException"
    assert answer.message.endswith("eu-central-1, eu-west-1.")


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-target", "authorization"])
@pytest.mark.parametrize("same", [True, False])
def test_a_signed_header_sent_twice_is_refused(name: str, same: bool) -> None:
    request = {key.lower(): value for key, value in detect().headers.items()}
    headers = [*request.items(), (name, request[name] if same else "other")]
    answer = exchange(headers)
    assert answer.code in ("InvalidSignatureException", "IncompleteSignatureException")


@pytest.mark.parametrize("values", [["a", "b"], ["b", "a"], [" a ", "", "b  c"]])
def test_other_signed_headers_sent_twice_are_joined_by_commas(values: list[str]) -> None:
    joined = ",".join(" ".join(value.split()) for value in values)
    request = signed_again(detect(), Trace=joined)
    headers = [(name, value) for name, value in request.headers.items() if name != "Trace"]
    assert exchange([*headers, *(("Trace", value) for value in values)], request.body).status == 200
    fewer = exchange([*headers, *(("Trace", value) for value in values[1:])], request.body)
    assert fewer.code == "InvalidSignatureException"


@pytest.mark.parametrize("value", ["à", "Größe", "写真", "naïve  café"])
def test_header_values_in_utf8_count_by_their_bytes(value: str) -> None:
    on_the_wire = value.encode().decode("latin-1")
    bare = {name: text for name, text in detect().headers.items() if name not in ("Authorization", "X-Amz-Date")}
    request = sign(
        Request(detect().body, {**bare, "Trace": value}),
        host=HOST,
        access_key_id=KEY.access_key_id,
        secret=KEY.secret,
        now=NOW,
    )
    headers = [(name, on_the_wire if name == "Trace" else text) for name, text in request.headers.items()]
    assert exchange(headers, request.body).status == 200


@pytest.mark.parametrize(
    "forwarded", [{"X_Forwarded_Host": HOST}, {"X_Forwarded_Host": f"other.example, {HOST}"}], ids=["one", "chain"]
)
def test_a_host_that_a_proxy_changed_is_told_as_the_cause(forwarded: dict[str, str]) -> None:
    answer = told(with_headers(detect(), Host="inside.example", **forwarded))
    assert answer.code == "InvalidSignatureException"
    assert f"signed the host '{HOST}'" in answer.message
    assert "'inside.example' arrived" in answer.message
    wrong = told(with_headers(detect(secret="another"), Host="inside.example", **forwarded))
    assert "Secret Access Key" in wrong.message


@pytest.mark.parametrize("order", ["x-amz-target;x-amz-date;host;content-type", "host;host;x-amz-date;x-amz-target"])
def test_signed_headers_out_of_order_or_twice_are_refused(order: str) -> None:
    request = detect()
    start, _, rest = request.headers["Authorization"].partition("SignedHeaders=")
    altered = f"{start}SignedHeaders={order}, {rest.partition(', ')[2]}"
    assert told(with_headers(request, Authorization=altered)).code == "IncompleteSignatureException"


def test_whitespace_around_and_within_header_values_is_one_space() -> None:
    request = signed_again(detect(), X_Amz_User_Agent="aws  sdk   js")
    headers = [
        (name, "  aws sdk\t js " if name == "X-Amz-User-Agent" else value) for name, value in request.headers.items()
    ]
    assert exchange(headers, request.body).status == 200


def test_the_query_is_signed() -> None:
    query = "b=2&a=1%20x&a=&c"
    bare = {"X-Amz-Target": "RekognitionService.DetectFaces", "Content-Type": CONTENT_TYPE}
    made = sign(
        Request(detect().body, bare),
        host=HOST,
        access_key_id=KEY.access_key_id,
        secret=KEY.secret,
        now=NOW,
        query=query,
    )
    assert Wire().ask(made, query=query).status == 200
    assert Wire().ask(made, query="a=1%20x&a=&b=2&c=").status == 200
    assert Wire().ask(made, query=query.replace("b=2", "b=3")).code == "InvalidSignatureException"
    assert Wire().ask(made).code == "InvalidSignatureException"


def test_a_key_with_a_session_token_needs_it() -> None:
    wire = Wire(keys=(replace(KEY, session_token="the token"),))
    assert told(detect(session_token="the token"), wire).status == 200
    assert told(detect(), wire).code == "UnrecognizedClientException"
    assert told(detect(session_token="another"), wire).code == "UnrecognizedClientException"


def test_a_key_without_a_session_token_takes_none() -> None:
    assert told(detect(session_token="a token")).code == "UnrecognizedClientException"


def test_a_session_token_must_be_signed() -> None:
    wire = Wire(keys=(replace(KEY, session_token="the token"),))
    answer = told(with_headers(detect(), X_Amz_Security_Token="the token"), wire)
    assert answer.code == "InvalidSignatureException"


def test_unknown_and_disabled_keys_are_told_the_same() -> None:
    unknown = told(detect(access_key_id="AKIANOBODY"))
    disabled = told(detect(), Wire(keys=(replace(KEY, enabled=False),)))
    assert unknown.code == disabled.code == "UnrecognizedClientException"
    assert unknown.message == disabled.message


def test_an_expired_key_is_told_so() -> None:
    assert told(detect(), Wire(keys=(replace(KEY, expires=NOW),))).code == "ExpiredTokenException"
    assert told(detect(), Wire(keys=(replace(KEY, expires=NOW + 1),))).status == 200


def test_no_refused_request_reaches_the_service() -> None:
    wire = Wire()
    told(detect(secret="another"), wire)
    told(with_headers(detect(), Authorization=None), wire)
    assert wire.calls == []


@pytest.mark.parametrize(
    ("module", "function", "secrets"),
    [(signature, "_check", 1), (signature, "check_body", 1), (app.Application, "_find_signer", 1)],
)
def test_secrets_are_compared_in_constant_time(module: object, function: str, secrets: int) -> None:
    tree = ast.parse(textwrap.dedent(inspect.getsource(getattr(module, function))))
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert calls.count("hmac.compare_digest") == secrets
    compared = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    assert not [text for text in compared if "signature" in text or "expected" in text or "token" in text]


def test_thousands_of_headers_from_a_stranger_cost_little() -> None:
    names = sorted(f"h{i:05}" for i in range(20_000))
    signed_names = ";".join(sorted([*names, "host", "x-amz-date", "x-amz-target"]))
    request = detect()
    start, _, rest = request.headers["Authorization"].partition("SignedHeaders=")
    altered = f"{start}SignedHeaders={signed_names}, {rest.partition(', ')[2]}"
    headers = [*with_headers(request, Authorization=altered).headers.items(), *((name, "") for name in names)]
    begun = time.process_time()
    assert exchange(headers, request.body).code == "InvalidSignatureException"
    assert time.process_time() - begun < 1


def exchange(headers: list[tuple[str, str]], body: bytes | None = None) -> Answered:
    """The answer to headers that may repeat."""
    return asyncio.run(exchange_with(Wire().app, scope_of(headers), messages(detect().body if body is None else body)))
