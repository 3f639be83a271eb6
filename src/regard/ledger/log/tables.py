"""The table of the log's files, for a log that several machines share.

A folder is a row without data. A file that grows has a row for each part that was added to it.
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, String, Table

from regard.database import metadata

files = Table(
    "log_files",
    metadata,
    Column("folder", String(512), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary),
)
