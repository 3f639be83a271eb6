"""Exposure: what may be listened on in the clear, and which certificates can be served with."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from regard.settings import SettingError, Settings
from regard.wire.exposure import check_certificate, check_exposure, is_loopback, running_url, told_to_commands, url
from tests.helpers.certificates import certificate_in


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_others_cannot_be_listened_to_in_the_clear(host: str) -> None:
    with pytest.raises(SettingError, match="REGARD_TLS_CERTIFICATE"):
        check_exposure(Settings(host=host))
    check_exposure(Settings(host=host, behind_proxy=True))
    check_exposure(Settings(host=host, tls_certificate=Path("cert.pem"), tls_key=Path("key.pem")))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_alone_needs_no_tls(host: str) -> None:
    assert is_loopback(host)
    check_exposure(Settings(host=host))


def test_a_certificate_that_cannot_be_served_with_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    certificate, key = certificate_in(tmp_path)
    check_certificate(Settings())
    check_certificate(Settings(tls_certificate=certificate, tls_key=key))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    protected, garbage = tmp_path / "protected.pem", tmp_path / "garbage.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    secret = serialization.load_pem_private_key(key.read_bytes(), None)
    protected.write_bytes(secret.private_bytes(*form, serialization.BestAvailableEncryption(b"a passphrase")))
    garbage.write_text("no certificate")
    protected.chmod(0o600)
    garbage.chmod(0o600)
    for files, told in {
        (certificate, tmp_path / "none.pem"): "none.pem cannot be read",
        (tmp_path / "none.pem", key): "none.pem cannot be read",
        (certificate, certificate_in(elsewhere)[1]): "the key is another's",
        (certificate, protected): "without a passphrase",
        (garbage, key): "PEM files",
        (certificate, garbage): "PEM files",
    }.items():
        with pytest.raises(SettingError, match=told):
            check_certificate(Settings(tls_certificate=files[0], tls_key=files[1]))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_of_tls_that_others_may_read_or_write_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    certificate, key = certificate_in(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    for settings, file in (
        (Settings(tls_certificate=certificate, tls_key=key), key),
        (Settings(tls_certificate=both), both),
    ):
        file.chmod(mode)
        with pytest.raises(SettingError, match=f"REGARD_TLS_KEY: {file} may be read by others: run `chmod 600 {file}`"):
            check_certificate(settings)
        file.chmod(0o600)
        check_certificate(settings)


def test_the_url_names_the_port_that_is_bound_and_brackets_ipv6() -> None:
    assert url(Settings(host="::1", port=4599)) == "http://[::1]:4599"
    assert url(Settings(tls_certificate=Path("cert.pem")), 8443) == "https://127.0.0.1:8443"
    assert url(Settings(port=4599)) == "http://localhost:4599"
    assert url(Settings(host="127.0.0.2", port=4599)) == "http://127.0.0.2:4599"


def test_commands_are_told_the_address_that_runs_and_only_while_it_does(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=4599)
    assert running_url(settings) == "http://localhost:4599"
    with told_to_commands(settings, "http://localhost:40001"):
        # A second service on the same folder does not speak over the first.
        with told_to_commands(settings, "http://localhost:40002"):
            assert running_url(settings) == "http://localhost:40001"
        assert running_url(settings) == "http://localhost:40001"
    assert running_url(settings) == "http://localhost:4599"
    with told_to_commands(settings, "http://h:1"):
        assert running_url(settings) == "http://h:1"
