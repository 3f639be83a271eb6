"""Handshakes: connections that speak TLS, which have to get through its handshake in time.

They are accepted and counted here, from the moment they are opened on. Servers of asyncio tell a protocol of a
connection once its handshake is done: until then as many strangers as there are descriptors could wait, for a minute
each, and nobody would know of them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from socket import IPPROTO_TCP, TCP_NODELAY, socket

from regard.settings import Settings
from regard.wire.connections import BoundedProtocol, Connections

# From the opening of a connection to the end of its handshake; the first head has its own time from then on.
HANDSHAKE_SECONDS = 10.0
# How long a connection that was closed waits for the client to read the rest, and for its own end of TLS.
FAREWELL_SECONDS = 30.0
# How many wait to be accepted; how many are accepted in one turn of the loop; and how long nobody is accepted when the
# process has no descriptor left.
_BACKLOG, _AT_ONCE, _PAUSE_SECONDS = 2048, 64, 1.0


class Handshakes:
    """Accepts connections on a socket; whoever gets through the handshake is one more connection of what `made` makes.

    Used from one event loop, the running one.
    """

    def __init__(
        self, on: socket, context: ssl.SSLContext, admitted: Connections, made: Callable[[], BoundedProtocol]
    ) -> None:
        self._on = on
        self._context = context
        self._admitted = admitted
        self._made = made
        self._loop = asyncio.get_running_loop()
        self._under_way: set[asyncio.Task[None]] = set()
        self._resting: asyncio.TimerHandle | None = None
        self._on.setblocking(False)
        self._on.listen(_BACKLOG)
        self._loop.add_reader(self._on, self._accept)

    def close(self) -> None:
        """Accept nobody more, and hang up on whoever is amid a handshake: nothing of theirs was accepted yet."""
        self._loop.remove_reader(self._on)
        if self._resting is not None:
            self._resting.cancel()
        for each in self._under_way:
            each.cancel()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                plain, peer = self._on.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                # It stays ready to be read, and would take the whole loop.
                self._loop.remove_reader(self._on)
                self._resting = self._loop.call_later(_PAUSE_SECONDS, self._loop.add_reader, self._on, self._accept)
                return
            self._take(plain, str(peer[0]))

    def _take(self, plain: socket, address: str) -> None:
        if not self._admitted.admit(address):
            plain.close()
            return
        plain.setblocking(False)
        plain.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        connection = self._made()
        connection.counted_as(address)
        task = self._loop.create_task(self._shake(plain, connection))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _shake(self, plain: socket, connection: BoundedProtocol) -> None:
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                plain,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=FAREWELL_SECONDS,
            )
        except OSError:
            # Errors of TLS, of the connection and of its time are all of this kind. A line for each in the service's
            # log a stranger could fill it with.
            connection.give_back()
        except asyncio.CancelledError:
            connection.give_back()
            raise


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """What connections are encrypted by, where there is a certificate. Raises SSLError, OSError."""
    if not settings.tls_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    return context
