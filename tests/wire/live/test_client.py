"""What a client tells of itself in `x-amz-user-agent`: taken for a name, and for nothing more."""

from __future__ import annotations

import asyncio

import pytest

from regard.wire.live.client import kind_of
from tests.helpers.live import Judging, Stage, film, whole

BARE = "aws-sdk-js/3.1112.0 ua/2.1 os/other lang/js api/rekognitionstreaming#3.1112.0 m/E,e"
# As AWS's component is told by the SDK, which puts a hyphen for each space.
COMPONENT = "aws-sdk-js/3.1111.0 aws-amplify/6.22.1-framework/100-ui-react-liveness/3.6.8"


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (COMPONENT, "ui-react-liveness"),
        (f"{BARE} Amplify-Liveness/2", "Amplify-Liveness"),
        (f"{BARE} deliveness2/2", "aws-sdk-js"),
        (BARE, "aws-sdk-js"),
        ("", ""),
        ("  /3 <script>/1 ", ""),
        ("é/1 own-client", "own-client"),
        (f"{'a' * 65}/1 {'b' * 64}/1", "b" * 64),
    ],
)
def test_its_kind_is_the_client_for_liveness_or_the_first_that_is_named(agent: str, kind: str) -> None:
    assert kind_of(agent) == kind


def test_what_a_client_is_stands_in_the_results_and_keeps_nobody_out(stage: Stage, judge: Judging) -> None:
    for agent, kind in ((COMPONENT, {"SDKType": "ui-react-liveness"}), ("x" * 5000, None)):
        session = stage.create()
        peer = asyncio.run(whole(stage, stage.app(), session, film(), x_amz_user_agent=agent))
        assert peer.code == 1000
        assert stage.result(session).get("Metadata") == kind
