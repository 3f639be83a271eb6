"""Reaching: to cameras of the internet and of networks that the operator listed, and to nothing else by any name."""

from __future__ import annotations

import socket

import pytest

from regard.streams.cameras.reaching import Reach
from regard.streams.errors import AddressRefused, CameraLost

_REFUSED = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.0.0.5",
    "172.16.0.1",
    "192.168.1.10",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.1.1",
    "169.254.169.254",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    # IPv4 in other clothes: mapped, translated, 6to4, Teredo.
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
]


@pytest.mark.parametrize("address", _REFUSED)
def test_an_address_of_no_public_camera_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        Reach([]).require(address, 554)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_an_address_of_the_internet_is_not(address: str) -> None:
    Reach([]).require(address, 554)


@pytest.mark.parametrize(
    ("entry", "address", "port"),
    [
        ("192.168.1.0/24", "192.168.1.10", 8554),
        ("127.0.0.1:8554", "127.0.0.1", 8554),
        ("127.0.0.1:8554", "::ffff:127.0.0.1", 8554),
        ("[::1]:8554", "::1", 8554),
        ("fd12::/16", "fd12::1", 554),
    ],
)
def test_what_the_operator_lists_is_reached_at_that_port_alone(entry: str, address: str, port: int) -> None:
    Reach([entry]).require(address, port)
    if ":" in entry and not entry.endswith(("/24", "/16")):
        with pytest.raises(AddressRefused):
            Reach([entry]).require(address, 22)


@pytest.mark.parametrize("address", ["169.254.169.254", "224.0.0.1", "::ffff:169.254.169.254", "0.0.0.0"])
def test_what_is_never_a_camera_is_refused_whatever_is_listed(address: str) -> None:
    with pytest.raises(AddressRefused, match="never connected to"):
        Reach(["0.0.0.0/0", "::/0"]).require(address, 80)


def test_a_name_that_stands_for_one_refused_address_among_others_is_refused_whole() -> None:
    reach = Reach([], lambda _host, _port: ["93.184.215.14", "127.0.0.1"])
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
        reach.connected("camera.example.org", 554, 1.0)


def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to() -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        reach = Reach(["127.0.0.1"], lambda _host, _port: answers.pop(0))
        with reach.connected("camera.example.org", listening.getsockname()[1], 1.0) as connected:
            assert connected.getpeername()[0] == "127.0.0.1"
    assert len(answers) == 1


def test_a_name_that_nobody_knows_is_a_camera_that_is_lost() -> None:
    def lookup(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(CameraLost, match="is not known"):
        Reach([], lookup).connected("camera.example.org", 554, 1.0)


@pytest.mark.parametrize("entry", ["camera.example.org", "192.168.1.0/24:x", "127.0.0.1:70000", "192.168.1.5/24", ""])
def test_an_entry_of_another_form_is_told_to_the_operator(entry: str) -> None:
    with pytest.raises(ValueError, match="REGARD_STREAMS_REACH"):
        Reach([entry])
