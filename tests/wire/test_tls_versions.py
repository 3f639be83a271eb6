"""HTTPS speaks TLS 1.2 and 1.3 alone, agrees on nothing anew, and writes no line for who speaks otherwise."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.helpers.certificates import certificate_in
from tests.helpers.served_fakes import running_fakes

STRANGERS = 50


@dataclass
class Secured:
    """A service over HTTPS, its certificate, and what it wrote to its standard error."""

    url: str
    certificate: Path
    errors: Path

    @property
    def address(self) -> tuple[str, int]:
        at = httpx.URL(self.url)
        assert at.port
        return at.host, at.port

    def context(self) -> ssl.SSLContext:
        """What a client checks that is content with the weakest that its library still has."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        return context

    def agreed(self, context: ssl.SSLContext) -> str | None:
        """The version that the service and a client agree on."""
        with (
            socket.create_connection(self.address) as plain,
            context.wrap_socket(plain, server_hostname=self.address[0]) as spoken,
        ):
            return spoken.version()


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = certificate_in(folder)
    key.chmod(0o600)
    own, errors = os.dup(2), folder / "errors"
    with errors.open("wb") as file:
        os.dup2(file.fileno(), 2)
        given = {"REGARD_TLS_CERTIFICATE": str(certificate), "REGARD_TLS_KEY": str(key)}
        with running_fakes(folder / "data", None, **given) as service:
            os.dup2(own, 2)
            os.close(own)
            yield Secured(service.url, certificate, errors)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_are_refused(secured: Secured) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = secured.context()
        context.maximum_version = version
        assert secured.agreed(context) == version.name.replace("_", ".")
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = secured.context()
        context.maximum_version = version
        with pytest.raises(OSError):
            secured.agreed(context)


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("openssl"), reason="Python's own client does not ask for it")
def test_nothing_is_agreed_on_anew(secured: Secured) -> None:
    host, port = secured.address
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2"]
    asked = subprocess.run(command, input=b"R\n", capture_output=True, timeout=60)
    said = asked.stdout + asked.stderr
    assert b"RENEGOTIATING" in said
    assert b"no renegotiation" in said


@pytest.mark.long
def test_who_does_not_speak_it_leaves_no_line(secured: Secured) -> None:
    before = secured.errors.stat().st_size
    for number in range(STRANGERS):
        for said in (os.urandom(200), b"GET / HTTP/1.0\r\n\r\n"):
            with suppress(OSError), socket.create_connection(secured.address) as plain:
                plain.sendall(said)
        with (
            socket.create_connection(secured.address) as plain,
            secured.context().wrap_socket(plain, server_hostname=secured.address[0]) as spoken,
        ):
            spoken.sendall(b"\0 no request %d\r\n\r\n" % number)
            assert b"400" in spoken.recv(100)
    assert httpx.get(f"{secured.url}/healthz", verify=secured.context()).status_code == 200
    assert secured.errors.stat().st_size == before
