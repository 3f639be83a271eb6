"""Exposure: who can reach the address that is listened on, by which URL, and whether what they say is covered."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from ssl import PROTOCOL_TLS_SERVER, SSLContext, SSLError

from regard.sealing import OthersMayRead, read_private
from regard.settings import SettingError, Settings

ENTER = "/console/enter"
_LOCALHOST = "127.0.0.1"  # not ::1, for which the name does not stand on every machine
_ADDRESS = "address"
_MOST_BYTES = 1024


def check_exposure(settings: Settings) -> None:
    """Refuse to listen in the clear where others could listen in. Raises SettingError."""
    if is_loopback(settings.host) or settings.tls_certificate or settings.behind_proxy:
        return
    raise SettingError(
        f"REGARD_HOST={settings.host} can be reached from other machines. Give REGARD_TLS_CERTIFICATE and "
        "REGARD_TLS_KEY, or set REGARD_BEHIND_PROXY=true when a proxy in front speaks TLS."
    )


def check_certificate(settings: Settings) -> None:
    """Refuse a certificate and key that HTTPS cannot be served with. Raises SettingError."""
    certificate, key = settings.tls_certificate, settings.tls_key
    try:
        for file in filter(None, (certificate, key)):
            file.open("rb").close()
        # Where no key is named, it stands in the file of the certificate.
        if private := key or certificate:
            read_private(private)
        if certificate:
            # Without a word given, that of a protected key would be asked for on the terminal.
            SSLContext(PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except SSLError as error:
        foreign = error.reason == "KEY_VALUES_MISMATCH"
        wrong = "the key is another's" if foreign else "give PEM files, and a key without a passphrase"
        raise SettingError(f"REGARD_TLS_CERTIFICATE={certificate}, REGARD_TLS_KEY={key}: {wrong}.") from None
    except OthersMayRead as error:
        raise SettingError(f"REGARD_TLS_KEY: {error}") from None
    except OSError as error:
        raise SettingError(
            f"REGARD_TLS_CERTIFICATE, REGARD_TLS_KEY: {error.filename} cannot be read ({error.strerror})."
        ) from None


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url(settings: Settings, port: int | None = None) -> str:
    """The address that clients are pointed to.

    In the clear this machine is called localhost: browsers take passkeys for a name, and for no address (WebAuthn,
    5.1.3). With TLS it stays what the certificate was made for.
    """
    scheme = "https" if settings.tls_certificate else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if not settings.tls_certificate and settings.host == _LOCALHOST:
        host = "localhost"
    return f"{scheme}://{host}:{port or settings.port}"


def console_link(settings: Settings, token: str, *, near: bool = False) -> str:
    """The link that lets a person in to the console, from anywhere or from `near`, this machine.

    What stands behind `#`, no browser sends and no server logs.
    """
    running = running_url(settings)
    return f"{running if near else settings.console_url or running}{ENTER}#{token}"


@contextmanager
def told_to_commands(settings: Settings, address: str) -> Iterator[None]:
    """Tell commands on this data folder under which address it is served, until the end of the block.

    It stands in a file that is locked meanwhile: after a crash nobody takes it for running. Of several services on one
    folder the first tells.
    """
    file = os.open(settings.data_dir / _ADDRESS, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(file, 0)
            os.pwrite(file, address.encode(), 0)
        yield
    finally:
        os.close(file)


def running_url(settings: Settings) -> str:
    """The address of the service that runs on this data folder; where none runs, the one that the settings say."""
    try:
        file = os.open(settings.data_dir / _ADDRESS, os.O_RDONLY)
    except FileNotFoundError:
        return url(settings)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(file, _MOST_BYTES).decode() or url(settings)
    finally:
        os.close(file)
    return url(settings)
