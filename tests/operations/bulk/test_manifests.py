"""Manifests: JSON lines in, JSON lines and a summary out, as AWS writes them."""

from __future__ import annotations

import json

import pytest

from regard.operations.bulk.manifests import Line, Report, Seen, lines_of

pytestmark = pytest.mark.sqlite("a manifest has nothing to do with a database")


def test_each_line_names_a_picture_and_one_that_is_named_twice_is_there_twice() -> None:
    one = b'{"source-ref": "s3://pictures/party/one.jpg"}'
    lines = lines_of(b"\xef\xbb\xbf" + one + b"\r\n\n" + one + b'\n{"source-ref":"s3://b/k","more":{"x":[1]}}\n')
    assert [(line.number, line.bucket, line.name) for line in lines] == [
        (1, "pictures", "party/one.jpg"),
        (3, "pictures", "party/one.jpg"),
        (4, "b", "k"),
    ]
    assert all(line.valid for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        b"one.jpg",
        b"[1, 2]",
        b"{}",
        b'{"source-ref": 1}',
        b'{"source-ref": "one.jpg"}',
        b'{"source-ref": "s3://bucket"}',
        b'{"source-ref": "s3:///name"}',
        b'{"source-ref": "https://host/one.jpg"}',
        b'{"source-ref": "s3://b/k"} {"source-ref": "s3://b/l"}',
        b'{"source-ref": "\xff"}',
        b"[" * 8000,
        b'{"x":' * 1500,
        b'{"source-ref": "s3://b/' + b"k" * 9000 + b'"}',
    ],
)
def test_a_line_that_names_none_says_why_and_spoils_no_other(text: bytes) -> None:
    wrong, right = lines_of(text + b'\n{"source-ref": "s3://b/k"}')
    assert not wrong.valid
    assert wrong.wrong
    assert right == Line(2, "s3://b/k", "b", "k")


def test_nothing_is_no_line() -> None:
    assert lines_of(b"") == lines_of(b"\n \n\r\n") == []


def test_results_and_summary_are_in_awss_words_and_spelling() -> None:
    lines = [Line(1, "s3://b/k", "b", "k"), Line(2, "", wrong="no"), Line(4, "s3://b/l", "b", "l")]
    found = {"ModerationLabels": [], "ModerationModelVersion": "7.0", "ContentTypes": []}
    seen = [Seen(1, found), Seen(2, None, "INVALID_JSON_LINE", "no"), Seen(4, None, "INVALID_S3_OBJECT", "gone")]
    report = Report(lines)
    for each in seen:
        report.add(each)
    assert report.results == (
        b'{"source-ref":"s3://b/k","detect-moderation-labels":'
        b'{"ModerationLabels":[],"ModerationModelVersion":"7.0","ContentTypes":[]}}\n'
    )
    assert json.loads(report.summary) == {
        "version": "1.0",
        "statistics": {"total-json-lines": 3, "valid-json-lines": 2, "invalid-json-lines": 1},
        "errors": [
            {"line-numer": 2, "source-ref": "", "code": "INVALID_JSON_LINE", "message": "no"},
            {"line-numer": 4, "source-ref": "s3://b/l", "code": "INVALID_S3_OBJECT", "message": "gone"},
        ],
    }
