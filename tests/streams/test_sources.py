"""Sources: set beside an ARN, sealed, and noticed where they were changed behind the service."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from regard.streams.errors import NoSource, ProcessorChanged
from tests.helpers.streaming import STREAM, Den

YARD = STREAM.replace("door", "yard")


@pytest.fixture
def den(tmp_path: Path) -> Den:
    return Den(tmp_path)


def test_a_source_is_told_with_its_password_to_this_house_alone(den: Den) -> None:
    sources = den.streams.sources
    sources.put(STREAM, "http://door:other@camera/live")
    sources.put(YARD, "rtsp://yard/live")
    assert [each.arn for each in sources.all()] == [STREAM, YARD]
    assert sources.get(STREAM).place.password == "other"
    assert sources.remove(YARD)
    assert not sources.remove(YARD)
    with pytest.raises(NoSource, match=f"regard streams source {YARD}"):
        sources.get(YARD)


def test_one_that_was_put_beside_another_stream_in_the_database_is_noticed(den: Den) -> None:
    sources = den.streams.sources
    sources.put(YARD, "rtsp://yard/live")
    with den.streams.processors.engine.begin() as connection:
        (door,) = connection.execute(text("SELECT sealed FROM stream_sources LIMIT 1")).scalars()
        connection.execute(text("UPDATE stream_sources SET sealed = :sealed"), {"sealed": door})
    noticed = 0
    for arn in (STREAM, YARD):
        try:
            sources.get(arn)
        except ProcessorChanged:
            noticed += 1
    assert noticed == 1


@pytest.mark.parametrize(
    "arn",
    [
        "door",
        "arn:aws:kinesis:us-east-1:111122223333:stream/door",
        "arn:aws:kinesisvideo:us-east-1:1111:stream/door/1",
        "arn:aws:kinesisvideo:us-east-1:111122223333:",
    ],
)
def test_what_is_no_arn_of_a_video_stream_has_no_source(den: Den, arn: str) -> None:
    with pytest.raises(ValueError, match="no ARN of a Kinesis video stream"):
        den.streams.sources.put(arn, "rtsp://camera/")
