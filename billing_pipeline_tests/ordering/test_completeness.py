"""Files that are cut, or are something else, are noticed by their ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from billing_pipeline.ordering.completeness import incompleteness

JSON = b'{"params": {}, "tenants": [{"a": 1}, {"b": "}"}]}'
HEADER = b"application.id,tenant.id,name,edition\n"
CSV = HEADER + b'1,2,"a, b",x\n3,4,c,\n'


@pytest.mark.parametrize(
    ("report_format", "content"),
    [
        ("json_v2_0", JSON),
        ("json_v2_0", b"\xef\xbb\xbf  " + JSON + b"\r\n  "),
        ("json_v2_0", b'{"params": {}, "tenants": [' + b"1," * 200_000 + b"1]}"),
        ("json_v2_0", b'{"error": null, "params": {}, "tenants": []}'),
        ("csv_v2_0", CSV),
        ("csv_v2_0", CSV.rstrip(b"\n")),
        ("csv_v2_0", CSV.replace(b"\n", b"\r\n")),
        ("csv_v2_0", HEADER),
        ("csv_v2_0", HEADER + b"1,2,a,b\n" * 100_000),
    ],
)
def test_incompleteness__complete_file__returns_none(
    tmp_path: Path, report_format: str, content: bytes
) -> None:
    (tmp_path / "file").write_bytes(content)
    assert incompleteness(tmp_path / "file", report_format) is None


@pytest.mark.parametrize(
    ("report_format", "content", "reason"),
    [
        ("json_v2_0", b"", "empty"),
        ("json_v2_0", b" \n ", "empty"),
        ("json_v2_0", JSON[:-1], "does not end"),
        ("json_v2_0", JSON + b"x", "does not end"),
        ("json_v2_0", b"[" + JSON + b"]", "does not begin"),
        ("json_v2_0", b"<!DOCTYPE html><title>Log in</title>", "HTML page titled 'Log in'"),
        ("json_v2_0", b"<html></html>", "HTML page, not a report"),
        ("json_v2_0", b'{"error": {"code": "E7", "message": "nope"}}', "error, not a report: E7: nope"),
        ("json_v2_0", b'{"error": "invalid_token"}', "error, not a report: invalid_token"),
        ("csv_v2_0", b"", "empty"),
        ("csv_v2_0", b'{"error": {"code": "E7", "message": "nope"}}', "error, not a report"),
        ("csv_v2_0", b"<html>", "HTML"),
        ("csv_v2_0", HEADER[:20], "header"),
        ("csv_v2_0", b"a,b,c\n1,2,3\n", "header"),
        ("csv_v2_0", CSV + b"5,6,d", "last record"),
        ("csv_v2_0", CSV + b"5,6", "last record"),
    ],
)
def test_incompleteness__damaged_or_foreign_file__gives_the_reason(
    tmp_path: Path, report_format: str, content: bytes, reason: str
) -> None:
    (tmp_path / "file").write_bytes(content)
    assert reason in (incompleteness(tmp_path / "file", report_format) or "")


def test_incompleteness__json_cut_anywhere__is_detected(tmp_path: Path) -> None:
    path = tmp_path / "file"
    whole = json.dumps({"params": {"kind": 5}, "tenants": [1.5, "x", [None], True]}).encode()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        reason = incompleteness(path, "json_v2_0")
        # A cut right after an inner object looks complete at both ends.
        assert reason is not None or whole[:end].endswith(b"}")
