"""RTP: pictures put together from their packets, and none that lacks one."""

from __future__ import annotations

import random
import struct

import pytest

from regard.streams.cameras.packets import Packet
from regard.streams.cameras.rtp import Assembly, parameter_sets
from regard.streams.errors import CameraLost
from tests.helpers.films import film_of, numbered
from tests.helpers.streaming import rtp_of, units_of

START = b"\x00\x00\x00\x01"


def _sent(pictures: list[list[bytes]], most: int = 100) -> list[list[bytes]]:
    """The packets of each picture."""
    number, found = 65_530, []
    for place, units in enumerate(pictures):
        packets = rtp_of(units, number, place * 3600, most)
        number += len(packets)
        found.append(packets)
    return found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[list[bytes]]:
    path = tmp_path_factory.mktemp("rtp") / "film.mp4"
    return units_of(
        film_of(path, numbered(12, (64, 96), grain=60), options={"g": "6", "bf": "0", "sc_threshold": "0"}).read_bytes()
    )


def test_pictures_come_out_as_they_were_put_in(pictures: list[list[bytes]]) -> None:
    assembly = Assembly("h264")
    found = [each for packets in _sent(pictures) for packet in packets for each in assembly.add(packet)]
    assert found == [Packet(START + START.join(units), place % 6 == 0) for place, units in enumerate(pictures)]


def test_after_a_lost_packet_nothing_comes_until_a_picture_that_needs_none_before_it(
    pictures: list[list[bytes]],
) -> None:
    assembly, sent = Assembly("h264"), _sent(pictures)
    del sent[2][0], sent[8][-1]
    found = [each for packets in sent for packet in packets for each in assembly.add(packet)]
    assert [each.data for each in found] == [
        START + START.join(units) for place, units in enumerate(pictures) if place not in (2, 3, 4, 5, 8, 9, 10, 11)
    ]


def test_many_units_in_one_packet_and_parameter_sets_told_beforehand_are_put_before_the_picture() -> None:
    units = [b"\x06hint", b"\x65key"]
    payload = b"\x18" + b"".join(len(each).to_bytes(2) + each for each in units)
    assembly = Assembly("h264", parameter_sets("Z0I=,aM4="))
    (picture,) = assembly.add(struct.pack(">BBHII", 0x80, 96 | 0x80, 1, 0, 7) + payload)
    assert picture == Packet(START + b"gB" + START + b"h\xce" + START + units[0] + START + units[1], True)


def test_h265_has_other_heads() -> None:
    key = bytes([19 << 1, 1]) + b"k" * 50
    parts = [bytes([49 << 1, 1, 0x80 | 19]) + key[2:30], bytes([49 << 1, 1, 0x40 | 19]) + key[30:]]
    assembly = Assembly("hevc")
    packets = [struct.pack(">BBHII", 0x80, 96 | (0x80 * place), place, 0, 7) + part for place, part in enumerate(parts)]
    assert [each for packet in packets for each in assembly.add(packet)] == [Packet(START + key, True)]


def test_extensions_and_padding_are_no_part_of_the_picture() -> None:
    head = struct.pack(">BBHII", 0x80 | 0x30 | 1, 96 | 0x80, 1, 0, 7)
    packet = head + b"csrc" + b"\x00\x00\x00\x01" + b"more" + b"\x65key" + b"\x00\x00\x03"
    assert list(Assembly("h264").add(packet)) == [Packet(START + b"\x65key", True)]


def test_nothing_that_a_camera_sends_raises_another_error() -> None:
    dice, assembly = random.Random(7), Assembly("h264")
    for _ in range(3000):
        data = bytes(dice.choices((0x80, 0xA0, 0x90, 0, 24, 28, 0x65, 0x7C, 0xFF), k=dice.randrange(40)))
        try:
            list(assembly.add(data))
        except CameraLost:
            continue
