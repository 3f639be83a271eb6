"""Sessions that are streamed: what an honest client gets, and of a thousand others none passes and none hangs."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from regard.stewardship.parties.keys import AccessKey
from regard.vision.liveness.challenge import MOVEMENT
from regard.wire.app import Application
from regard.wire.live.conversation import MOST_MESSAGES
from regard.wire.live.frames import encoded
from regard.wire.live.upgraded import MOST_MESSAGE_BYTES
from tests.helpers.live import (
    KNOWN,
    WIDTH,
    Judging,
    Peer,
    Stage,
    answers,
    event,
    film,
    film_event,
    said,
    scope_of,
    whole,
)

DONE = ["ServerSessionInformationEvent", "DisconnectionEvent"]
HOSTILE = 1000
# How many are under way at once, as strangers are.
_AT_ONCE = 20


def test_an_honest_session_is_judged_once_and_its_result_is_there_when_the_client_is_told(
    stage: Stage, judge: Judging
) -> None:
    session = stage.create(Settings={"AuditImagesLimit": 2})
    assert stage.result(session) == {"SessionId": session, "Status": "CREATED"}
    before = len(stage.calls())
    peer = asyncio.run(whole(stage, stage.app(), session, film()))
    assert (peer.names, peer.code) == (DONE, 1000)
    ((challenge, told, frames),) = judge.seen
    posed = peer.told[0][1]["SessionInformation"]["Challenge"][challenge.kind]
    assert [each["FreshnessColor"]["RGB"] for each in posed["ColorSequences"]] == [
        list(flash.rgb) for flash in challenge.flashes
    ]
    assert posed["LightChallengeType"] == "SEQUENTIAL"
    # AWS's client throws where one of them is 0.
    assert not [name for name, value in posed["ChallengeConfig"].items() if not value and not name.endswith("Max")]
    assert all(posed["OvalParameters"].values())
    assert [shown.flash for shown in told.shown] == list(range(len(challenge.flashes)))
    assert (told.begun_ms, told.ended_ms - told.begun_ms, told.width) == (stage.room.now * 1000, 9000, WIDTH)
    assert [at for at, _ in frames] == [40.0 * number for number in range(12)]
    result = stage.result(session)
    assert (result["Status"], result["Confidence"], len(result["AuditImages"])) == ("SUCCEEDED", 97.5, 2)
    assert stage.calls()[before:] == [
        ("StartFaceLivenessSession", "allowed", "answered"),
        ("GetFaceLivenessSessionResults", "allowed", "answered"),
    ]


def test_a_client_that_knows_no_colours_is_posed_the_challenge_without_where_that_is_permitted(
    stage: Stage, judge: Judging
) -> None:
    both = [{"Type": kind} for kind in ("FaceMovementAndLightChallenge", "FaceMovementChallenge")]
    alone = {"challenge_versions": "FaceMovementChallenge_1.0.0"}
    session = stage.create(Settings={"ChallengePreferences": both})
    peer = asyncio.run(whole(stage, stage.app(), session, film(), **alone))
    assert (peer.names, peer.code) == (DONE, 1000)
    assert list(peer.told[0][1]["SessionInformation"]["Challenge"]) == [MOVEMENT]
    assert "ColorSequences" not in peer.told[0][1]["SessionInformation"]["Challenge"][MOVEMENT]
    assert stage.result(session)["Challenge"] == {"Type": MOVEMENT, "Version": "1.0.0"}
    peer = asyncio.run(whole(stage, stage.app(), stage.create(), film(), **alone))
    assert (peer.names, peer.code) == (["ValidationException"], 1008)
    assert len(judge.seen) == 1


def test_who_may_not_is_told_why_and_the_session_stays_to_who_may(stage: Stage, judge: Judging) -> None:
    session, app = stage.create(), stage.app()
    other, colleague = stage.issue(), stage.key.caller.organization
    same_firm = stage.room.organizations.issue_key(colleague, "identity-verification")
    refused: dict[str, list[dict[str, Any]]] = {
        "SessionNotFoundException": [{"key": other}, {"key": same_firm}],
        "InvalidSignatureException": [{"now": stage.room.now - 300}, {"key": _with(other, stage.key)}],
        "ValidationException": [
            *({"video_width": width} for width in ("0", "-5", "9" * 9, "a", "100", "20000", None, "")),
            {"challenge_versions": ""},
            {"challenge_versions": "FaceMovementAndLightChallenge_1.0.0"},
        ],
    }
    for code, tries in refused.items():
        for given in tries:
            peer = asyncio.run(whole(stage, app, session, film(), **given))
            assert (peer.names, peer.code) == ([code], 1008), given
    unknown = asyncio.run(whole(stage, app, str(uuid4()), film()))
    assert unknown.told[0][1]["Message"].startswith("Session not found.")
    assert stage.kept(session).status == "CREATED"
    assert asyncio.run(whole(stage, app, session, film())).code == 1000
    assert len(judge.seen) == 1


def test_a_key_for_browsers_streams_with_its_session_token_and_does_nothing_else(stage: Stage, judge: Judging) -> None:
    scope = ["CreateFaceLivenessSession", "StartFaceLivenessSession"]
    key, app = stage.issue(session_token=True, operations=scope), stage.app()
    session = stage.create(key)
    bare = asyncio.run(whole(stage, app, session, film(), key=replace(key, session_token=None)))
    assert bare.names == ["UnrecognizedClientException"]
    assert asyncio.run(whole(stage, app, session, film(), key=key)).code == 1000
    assert "[key-scope]" in stage.refusal("GetFaceLivenessSessionResults", key, SessionId=session)[1]
    narrow = stage.issue(operations=scope[:1])
    peer = asyncio.run(whole(stage, app, stage.create(narrow), film(), key=narrow))
    assert (peer.names, "[key-scope]" in peer.told[0][1]["Message"]) == (["AccessDeniedException"], True)


def test_the_gate_is_asked_when_a_stream_begins_and_before_it_is_judged(tmp_path: Path, judge: Judging) -> None:
    stage = Stage(tmp_path)
    app, first, second = stage.app(), stage.create(), stage.create()

    async def stopped_meanwhile() -> Peer:
        target = stage.target(first)
        peer = Peer(app, scope_of(target)).start()
        posed, sign = await peer.posed(), stage.signing(target)
        stage.enable(False)
        peer.send(*(sign(each) for each in answers(posed, stage.room.now, film())))
        return await peer.ended()

    assert asyncio.run(stopped_meanwhile()).names == DONE
    assert (stage.kept(first).status, judge.seen) == ("FAILED", [])
    peer = asyncio.run(whole(stage, app, second, film()))
    assert (peer.names, peer.code) == (["AccessDeniedException"], 1008)
    assert "[liveness-by-motion]" in peer.told[0][1]["Message"]
    assert stage.kept(second).status == "CREATED"
    assert stage.calls()[-2:] == [
        ("CreateFaceLivenessSession", "denied", "denied"),
        ("StartFaceLivenessSession", "denied", "denied"),
    ]
    stage.close()


def test_a_session_that_runs_out_of_its_time_is_closed_and_one_that_stands_still(stage: Stage, judge: Judging) -> None:
    async def silent(app: Application, session: str, first: bytes | None) -> Peer:
        target = stage.target(session)
        peer = Peer(app, scope_of(target)).start()
        await peer.posed()
        if first is not None:
            peer.send(stage.signing(target)(first))
        return await peer.ended()

    app = stage.app(idle=0.05)
    peer = asyncio.run(silent(app, stage.create(), film_event(b"part", stage.room.now)))
    assert (peer.names[1:], peer.code) == (["ValidationException"], 4001)
    session = stage.create()
    stage.room.now += 179.9
    # Nothing comes: it waits for the tenth of a second that is left.
    peer = asyncio.run(silent(app, session, None))
    assert (peer.names[1:], peer.code, peer.told[1][1]["Message"][:23]) == (
        ["ValidationException"],
        4003,
        "The session has expired",
    )
    stage.room.now += 0.1
    assert stage.result(session) == {"SessionId": session, "Status": "EXPIRED"}
    late = asyncio.run(whole(stage, app, stage.create(), film()))
    assert late.code == 1000
    assert len(judge.seen) == 1


def test_what_holds_on_to_a_socket_counts_in_the_metrics(stage: Stage, judge: Judging) -> None:
    stage.metrics.__init__()  # type: ignore[misc]
    asyncio.run(whole(stage, stage.app(), stage.create(), film()))
    asyncio.run(whole(stage, stage.app(), str(uuid4()), film()))
    told = stage.metrics.text().decode()
    for code in ("OK", "SessionNotFoundException"):
        assert f'regard_requests_total{{code="{code}",operation="StartFaceLivenessSession"}} 1.0' in told


@pytest.mark.slow("a hundred hostile sessions, a thousand at full count, each with entries in a log")
def test_of_a_thousand_hostile_sessions_none_passes_and_none_hangs(stage: Stage, judge: Judging, scale: float) -> None:
    random_ = random.Random(26)
    app, count = stage.app(idle=0.3, film=1.0), round(HOSTILE * scale)
    peers: list[tuple[str, Peer]] = []

    async def one(place: int, turns: asyncio.Semaphore) -> None:
        name = list(_HOSTILE)[place % len(_HOSTILE)]
        async with turns:
            for peer in await _HOSTILE[name](stage, app, random_):
                peers.append((name, await peer.ended()))

    async def all_of_them() -> None:
        turns = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(one(place, turns) for place in range(count)))

    asyncio.run(asyncio.wait_for(all_of_them(), 300))
    passed = [name for name, peer in peers if "DisconnectionEvent" in peer.names]
    assert not passed, Counter(passed)
    assert judge.seen == []
    assert len(peers) >= count
    open_ended = Counter(name for name, peer in peers if peer.code is None and name not in ("leaves", "twice"))
    assert not open_ended
    asyncio.run(_nothing_is_left(stage))
    # And whoever is honest is served as before.
    assert asyncio.run(whole(stage, stage.app(), stage.create(), film())).names == DONE


async def _nothing_is_left(stage: Stage) -> None:
    with stage.rooms.gallery.reading() as connection:
        rows = connection.exec_driver_sql("SELECT status, count(*) FROM liveness_sessions GROUP BY status").all()
    assert "IN_PROGRESS" not in {status for status, _ in rows}
    assert not list(stage.scratch.glob("*"))


def _with(key: AccessKey, other: AccessKey) -> AccessKey:
    """The id of one key with the secret of another."""
    return replace(key, access_key_id=other.access_key_id)


async def _opened(stage: Stage, app: Application) -> tuple[Peer, Callable[[bytes], bytes], dict[str, Any]]:
    target = stage.target(await asyncio.to_thread(stage.create))
    peer = Peer(app, scope_of(target)).start()
    return peer, stage.signing(target), await peer.posed()


async def _garbage(stage: Stage, app: Application, random_: random.Random) -> list[Peer]:
    peer, sign, _ = await _opened(stage, app)
    junk = random_.randbytes(random_.randrange(2000))
    peer.send(random_.choice([junk, sign(junk), sign(encoded({}, junk)), sign(event("VideoEvent", VideoChunk=7))]))
    return [peer]


async def _text(stage: Stage, app: Application, _random: random.Random) -> list[Peer]:
    peer, _, _ = await _opened(stage, app)
    peer.say("GET / HTTP/1.1")
    return [peer]


async def _wrong_address(stage: Stage, app: Application, random_: random.Random) -> list[Peer]:
    target = stage.target(await asyncio.to_thread(stage.create))
    place = target.index("X-Amz-Signature=") + 16 + random_.randrange(64)
    digit = random_.choice([each for each in "0123456789abcdef" if each != target[place]])
    return [Peer(app, scope_of(target[:place] + digit + target[place + 1 :])).start()]


async def _wrong_chain(stage: Stage, app: Application, random_: random.Random) -> list[Peer]:
    peer, sign, posed = await _opened(stage, app)
    frames = [sign(each) for each in answers(posed, stage.room.now, film())]
    place = random_.randrange(len(frames) - 1)
    what = random_.choice(["drop", "swap", "repeat", "turn", "unsigned"])
    if what == "drop":
        del frames[place]
    elif what == "swap":
        frames[place], frames[place + 1] = frames[place + 1], frames[place]
    elif what == "repeat":
        frames.insert(place, frames[place])
    elif what == "turn":
        frames[place] = frames[place][:-5] + bytes([frames[place][-5] ^ 1]) + frames[place][-4:]
    else:
        frames[place] = answers(posed, stage.room.now, film())[place]
    peer.send(*frames)
    return [peer]


async def _endless(stage: Stage, app: Application, random_: random.Random) -> list[Peer]:
    peer, sign, _ = await _opened(stage, app)
    part = film_event(bytes(random_.choice([1, 1, 1, 1_000_000])), stage.room.now)
    for _ in range(MOST_MESSAGES + 1):
        peer.send(sign(part))
        if peer.over.done():
            break
        await asyncio.sleep(0)
    return [peer]


async def _large(stage: Stage, app: Application, _random: random.Random) -> list[Peer]:
    peer, sign, _ = await _opened(stage, app)
    peer.send(sign(film_event(bytes(MOST_MESSAGE_BYTES), stage.room.now)))
    return [peer]


async def _twice(stage: Stage, app: Application, _random: random.Random) -> list[Peer]:
    target = stage.target(await asyncio.to_thread(stage.create))
    peers = [Peer(app, scope_of(target)).start() for _ in range(2)]
    posed = [await peer.posed() for peer in peers]
    assert sum(map(bool, posed)) == 1
    for peer in peers:
        peer.leave()
    return peers


async def _replayed(stage: Stage, app: Application, _random: random.Random) -> list[Peer]:
    """A session that was left, and then the same address and the same frames once more."""
    target = stage.target(await asyncio.to_thread(stage.create))
    first = Peer(app, scope_of(target)).start()
    posed, sign = await first.posed(), stage.signing(target)
    first.leave()
    await first.ended()
    again = Peer(app, scope_of(target)).start()
    again.send(*(sign(each) for each in answers(posed, stage.room.now, film())))
    return [again]


async def _no_film(stage: Stage, app: Application, random_: random.Random) -> list[Peer]:
    peer, sign, posed = await _opened(stage, app)
    events = answers(posed, stage.room.now, b"x" * 3000)
    without = [each for each in events if b"VideoEvent" not in each] + events[-1:]
    missing = [each for each in events if b"VideoEndTimestamp" not in each]
    peer.send(*(sign(each) for each in random_.choice([without, missing, events[-1:]])))
    return [peer]


async def _other_colours(stage: Stage, app: Application, random_: random.Random) -> list[Peer]:
    peer, sign, posed = await _opened(stage, app)
    ((kind, challenge),) = posed["Challenge"].items()
    right = challenge["ColorSequences"][0]["FreshnessColor"]["RGB"]
    colour, number = random_.choice([([1, 2, 3], 0), (right, 99), ([*right, 0], 0), (["red"], 0)])
    shown = {"CurrentColor": {"RGB": colour}, "SequenceNumber": number, "CurrentColorStartTimestamp": 1.0}
    peer.send(sign(said(kind, ColorDisplayed=shown)))
    return [peer]


async def _other_challenge(stage: Stage, app: Application, _random: random.Random) -> list[Peer]:
    peer, sign, _ = await _opened(stage, app)
    peer.send(sign(said(MOVEMENT, VideoStartTimestamp=1.0)))
    return [peer]


async def _silent(stage: Stage, app: Application, _random: random.Random) -> list[Peer]:
    peer, sign, _ = await _opened(stage, app)
    peer.send(sign(film_event(b"part", stage.room.now)))
    return [peer]


async def _leaves(stage: Stage, app: Application, random_: random.Random) -> list[Peer]:
    peer, sign, posed = await _opened(stage, app)
    events = answers(posed, stage.room.now, film())
    peer.send(*(sign(each) for each in events[: random_.randrange(len(events) - 1)]))
    peer.leave(random_.choice([1005, 1006, 4000, 4003, 4007]))
    return [peer]


async def _unknown(stage: Stage, app: Application, _random: random.Random) -> list[Peer]:
    return [Peer(app, scope_of(stage.target(str(uuid4())))).start()]


async def _unsigned(stage: Stage, app: Application, _random: random.Random) -> list[Peer]:
    session = await asyncio.to_thread(stage.create)
    path = stage.target(session).partition("?")[0]
    query = f"session-id={session}&video-width=640&video-height=480&challenge-versions={KNOWN}"
    return [Peer(app, scope_of(f"{path}?{query}")).start()]


_HOSTILE: dict[str, Callable[[Stage, Application, random.Random], Awaitable[list[Peer]]]] = {
    "garbage": _garbage,
    "text": _text,
    "wrong address": _wrong_address,
    "wrong chain": _wrong_chain,
    "endless": _endless,
    "large": _large,
    "twice": _twice,
    "replayed": _replayed,
    "no film": _no_film,
    "other colours": _other_colours,
    "other challenge": _other_challenge,
    "silent": _silent,
    "leaves": _leaves,
    "unknown": _unknown,
    "unsigned": _unsigned,
}
