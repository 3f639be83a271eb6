"""Senders: from which address a request came, and whether from this machine; as far as a request can prove it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.types import Scope

from regard.addresses import network_of, plain
from regard.wire.exposure import is_loopback

_FORWARDED_FOR = b"x-forwarded-for"
# What proxies, load balancers and content networks add. One of them says that somebody else's request is passed on.
_PASSED_ON = {
    *(b"forwarded", b"via", b"cdn-loop", b"client-ip", b"true-client-ip", b"proxy-client-ip", b"wl-proxy-client-ip"),
    *(b"x-real-ip", b"x-client-ip", b"x-cluster-client-ip", b"x-remote-ip", b"x-remote-addr", b"x-originating-ip"),
    *(b"x-proxyuser-ip", b"x-azure-clientip", b"fastly-client-ip", b"fly-client-ip"),
}
_PASSED_ON_LIKE = (b"x-forwarded", b"x-original-", b"x-envoy-", b"cf-connecting-")
_HOST = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<name>[^\[\]:]+))(?::\d*)?")


class NoSender(ValueError):
    """Nobody can tell from where a request came; the text says what would."""


def peer_of(scope: Scope) -> str:
    """The address that the connection comes from, be it a proxy's; empty when nobody knows."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def share_of(scope: Scope, *, behind_proxy: bool) -> str:
    """Whose share of what there is for all a request counts in: the network of its address, as far as it is known."""
    try:
        return network_of(address_of(scope, behind_proxy=behind_proxy))
    except NoSender:
        return peer_of(scope)


def is_from_here(scope: Scope, *, behind_proxy: bool) -> bool:
    """Whether a request came from this machine alone.

    Its peer is this machine, no header tells of a proxy, and it asks for a host that names this machine: a proxy that
    was not declared has a peer like that, too, and so has a page of the web whose name was turned to this machine (DNS
    rebinding). What a proxy passes on without any trace cannot be told.
    """
    peer, names = peer_of(scope), {name for name, _ in scope["headers"]}
    if behind_proxy or not peer or not _names_this_machine(peer):
        return False
    if names & _PASSED_ON or any(name.startswith(_PASSED_ON_LIKE) for name in names):
        return False
    hosts = _values(scope, b"host")
    found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    return found is not None and _names_this_machine(found["six"] or found["name"])


def address_of(scope: Scope, *, behind_proxy: bool) -> str:
    """The address that a request came from: its peer's, behind a proxy the one that the proxy saw. Raises NoSender.

    A proxy adds what it saw at the end of the last line of X-Forwarded-For, or as a line after all others: whatever
    stands before that, the client wrote.
    """
    told = ",".join(_values(scope, _FORWARDED_FOR)).rpartition(",")[2] if behind_proxy else peer_of(scope)
    try:
        return str(plain(told.strip()))
    except ValueError:
        raise NoSender(
            "The proxy in front of this service has to say, last in X-Forwarded-For, from which address this came."
            if behind_proxy
            else "Nobody can tell from which address this came."
        ) from None


def _names_this_machine(host: str) -> bool:
    try:
        return plain(host).is_loopback
    except ValueError:
        return is_loopback(host.lower())


def _values(scope: Scope, name: bytes) -> Sequence[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
