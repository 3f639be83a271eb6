"""Connecting to a camera: to an address that was looked at, and to no other.

A source is the operator's word, but what a name stands for is said by whoever answers for the name: it may point at
this machine, at what only this network reaches, or at what a cloud tells its own machines. So the address is looked at
after the name was looked up, and the connection is made to that very address. Redirections are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from regard.addresses import plain
from regard.settings import variable
from regard.streams.errors import AddressRefused, CameraLost

_SETTING = "streams_reach"
# Addresses of IPv6 that hold one of IPv4 in their last 32 bits, and lead there where somebody translates (RFC 6052).
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
# Nobody's camera: addresses of many, of nobody yet, and those at which clouds tell machines their keys.
_NEVER = tuple(map(ipaddress.ip_network, ("169.254.169.254/32", "fd00:ec2::254/128", "100.100.100.200/32")))
Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Sequence[str]]


class _Entry(NamedTuple):
    network: IPv4Network | IPv6Network
    port: int | None


class Reach:
    """Which addresses may be connected to, and connecting. Thread-safe.

    Any on the internet; others where `entries` list them: an address or a network, and a port where one is meant
    (`192.168.1.0/24`, `127.0.0.1:8554`, `[::1]:8554`). Raises ValueError for an entry of another form.
    """

    def __init__(self, entries: Iterable[str], lookup: Lookup | None = None) -> None:
        self._entries = [_entry(each) for each in entries]
        self._lookup = lookup or _looked_up

    def connected(self, host: str, port: int, seconds: float) -> socket.socket:
        """A connection to a host, whose every wait lasts so many seconds at most. Raises AddressRefused, CameraLost."""
        try:
            found = self._lookup(host, port)
        except OSError as error:
            raise CameraLost(f"{host} is not known: {error.strerror or error}") from None
        # All of them: one that is allowed among others that are not would let whoever answers for the name choose.
        for each in found:
            self.require(each, port)
        cause = "it has no address"
        for each in found:
            try:
                return socket.create_connection((each, port), timeout=seconds)
            except OSError as error:
                cause = str(error.strerror or error)
        raise CameraLost(f"{host}:{port} does not answer: {cause}")

    def require(self, address: str, port: int) -> None:
        """Raise AddressRefused unless an address may be connected to at that port."""
        found = plain(address.partition("%")[0])
        if found.is_multicast or found.is_unspecified or any(_meant(found) in network for network in _NEVER):
            raise AddressRefused(f"{address} is no camera's: it is never connected to.")
        listed = any(
            meant in entry.network and entry.port in (None, port)
            for entry in self._entries
            for meant in (found, _meant(found))
        )
        if not listed and not (_meant(found).is_global and found.is_global):
            raise AddressRefused(
                f"{address} is an address of this machine or of a network of its own. The operator allows it with "
                f"{variable(_SETTING)}={_shown(found)}:{port}"
            )


def _meant(address: Address) -> Address:
    """Where a packet to an address goes in the end: those of IPv6 that wrap one of IPv4 go there."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or (address.teredo and address.teredo[1]) or address


def _shown(address: Address) -> str:
    return str(address) if address.version == 4 else f"[{address}]"


def _entry(text: str) -> _Entry:
    place, port = text, ""
    if text.startswith("["):
        place, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        place, port = text.split(":")
    try:
        number = int(port) if port else None
        if number is not None and not 0 < number < 65536:
            raise ValueError
        return _Entry(ipaddress.ip_network(place), number)
    except ValueError:
        raise ValueError(
            f"{variable(_SETTING)}: {text!r} is no address or network with or without a port, such as 192.168.1.0/24, "
            "127.0.0.1:8554 or [::1]:8554"
        ) from None


def _looked_up(host: str, port: int) -> list[str]:
    return list(dict.fromkeys(str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
