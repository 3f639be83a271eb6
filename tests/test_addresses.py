"""Addresses: what one sender is counted by, however it writes its address."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.addresses import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1:ffff::2%eth0", "2001:db8:0:1::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_a_sender_is_an_address_or_the_network_of_a_household(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.ip_addresses(v=4))
def test_an_address_of_ipv4_is_one_sender_on_any_socket(address: IPv4Address) -> None:
    assert network_of(f"::ffff:{address}") == network_of(str(address)) == str(address)
