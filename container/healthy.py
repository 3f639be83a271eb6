"""Whether the service of this container is alive, for HEALTHCHECK: asks its `/healthz`, and leaves with 1."""

import os
import ssl
from urllib.request import urlopen

port = os.environ.get("REGARD_PORT") or "4599"
scheme = "https" if os.environ.get("REGARD_TLS_CERTIFICATE") else "http"
# The certificate is for the name that clients use, not for this address; nothing but "alive" is asked.
trust = ssl._create_unverified_context() if scheme == "https" else None
urlopen(f"{scheme}://127.0.0.1:{port}/healthz", timeout=5, context=trust).close()
