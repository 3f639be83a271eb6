"""An authenticator in software: what a browser with a passkey answers, made without a browser."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

_PRESENT = AuthenticatorData.FLAG.UP
_VERIFIED = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


@dataclass
class Authenticator:
    """One passkey. `verified` says whether it asked who its holder is; `counter` goes up with each signature."""

    origin: str
    verified: bool = True
    counter: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any]) -> str:
        """The answer to the options of a new passkey."""
        client = self._client("webauthn.create", options)
        public = AttestedCredentialData.create(Aaguid(bytes(16)), self.id, _cose(self.key.public_key()))
        data = AuthenticatorData.create(
            _hash(options["rp"]["id"]), self._flags() | AuthenticatorData.FLAG.AT, self.counter, public
        )
        attestation = AttestationObject.create("none", data, {})
        return self._told(clientDataJSON=client, attestationObject=attestation)

    def get(self, options: dict[str, Any]) -> str:
        """The answer to a challenge."""
        self.counter += 1
        client = self._client("webauthn.get", options)
        data = AuthenticatorData.create(_hash(options["rpId"]), self._flags(), self.counter)
        signature = self.key.sign(data + client.hash, ec.ECDSA(hashes.SHA256()))
        return self._told(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _flags(self) -> AuthenticatorData.FLAG:
        return _VERIFIED if self.verified else _PRESENT

    def _client(self, kind: str, options: dict[str, Any]) -> CollectedClientData:
        return CollectedClientData.create(kind, options["challenge"], self.origin)

    def _told(self, **response: bytes) -> str:
        told = {name: websafe_encode(value) for name, value in response.items()}
        name = websafe_encode(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": told})


def _hash(rp_id: str) -> bytes:
    return hashlib.sha256(rp_id.encode()).digest()


def _cose(key: ec.EllipticCurvePublicKey) -> ES256:
    made: ES256 = ES256.from_cryptography_key(key)  # type: ignore[no-untyped-call]
    return made
