"""A database connection that stays open for one prepared question, because every call asks it."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Engine, Select


class Reader:
    """Asks one query again and again. Thread-safe; a few microseconds a question in SQLite.

    Taking a connection from the pool and beginning a transaction would cost more than the decision that waits
    for the answer. Each question sees what was committed before it, by whichever process. Values are as the driver
    reads them: JSON, which drivers read differently, is asked for as text.
    """

    def __init__(self, engine: Engine, query: Select[Any]) -> None:
        self.engine = engine
        self._lock = threading.Lock()
        compiled = query.compile(dialect=engine.dialect)
        self._text, self._names = str(compiled), compiled.positiontup
        self._fixed = compiled.params
        self._connection: Any = None

    def rows(self, **given: Any) -> list[Any]:
        """The rows of the query with these parameters."""
        named = self._fixed | given
        parameters = named if self._names is None else [named[name] for name in self._names]
        with self._lock:
            if self._connection is not None:
                try:
                    return self._asked(parameters)
                except self.engine.dialect.loaded_dbapi.OperationalError:
                    # The database was restarted: nobody need learn of it who asks now.
                    self._drop()
            self._connection = self.engine.raw_connection()
            self._connection.detach()
            if self.engine.dialect.name == "postgresql":
                self._connection.dbapi_connection.autocommit = True
            self._cursor = self._connection.cursor()
            return self._asked(parameters)

    def _asked(self, parameters: Any) -> list[Any]:
        self._cursor.execute(self._text, parameters)
        return list(self._cursor.fetchall())

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
