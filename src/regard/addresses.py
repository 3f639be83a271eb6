"""Addresses of the network, and whom they stand for where senders are counted."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


def plain(text: str) -> IPv4Address | IPv6Address:
    """An address; one of IPv4 as such, however a socket of IPv6 writes it. Raises ValueError."""
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def network_of(text: str) -> str:
    """What one sender is counted by: an address, or with IPv6 the /64 that one household has.

    What is no address counts as it stands.
    """
    try:
        address = plain(text)
    except ValueError:
        return text
    if address.version == 4:
        return str(address)
    return str(ip_network(f"{str(address).partition('%')[0]}/64", strict=False))
