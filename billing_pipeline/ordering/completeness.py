"""Truncation check of a downloaded file by its two ends: cheap, and independent of its size.

The loader parses every byte later; this finds damage early enough to download the file again.
"""

import csv
import json
from pathlib import Path

from billing_pipeline.acronis.failures import html_title

_END_BYTES = 64 * 1024
_BOM = b"\xef\xbb\xbf"
_CSV_COLUMN = "tenant.id"


def incompleteness(path: Path, report_format: str) -> str | None:
    """What is wrong with the file, as part of a sentence; None if it looks complete.

    Args:
        path: the decoded file.
        report_format: `json_v2_0` or `csv_v2_0`.
    """
    with path.open("rb") as file:
        head = file.read(_END_BYTES)
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_BYTES))
        tail = file.read(_END_BYTES)
    start = head.removeprefix(_BOM).lstrip()
    if not start:
        return "it is empty"
    if start.startswith(b"<"):
        title = html_title(start.decode("utf-8", "replace"))
        titled = "" if title is None else f" titled {title.strip()[:60]!r}"
        return f"it is an HTML page{titled}, not a report"
    if size <= _END_BYTES and (complaint := _error_body(start)):
        return complaint
    return _json_end(start, tail) if report_format.startswith("json") else _csv_end(start, tail)


def _error_body(content: bytes) -> str | None:
    try:
        body = json.loads(content)
        error = body["error"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if "tenants" in body:
        return None
    words = [error.get("code"), error.get("message")] if isinstance(error, dict) else [error]
    return f"it is an error, not a report: {': '.join(str(word) for word in words if word)}"


def _json_end(start: bytes, tail: bytes) -> str | None:
    if not start.startswith(b"{"):
        return "it does not begin as a JSON object"
    if not tail.rstrip().endswith(b"}"):
        return "it does not end as a JSON object: something is missing, or follows"
    return None


def _csv_end(start: bytes, tail: bytes) -> str | None:
    header = next(csv.reader([start.split(b"\n", 1)[0].decode("utf-8", "replace")]), [])
    if _CSV_COLUMN not in header:
        return f"its first line is not a report's header: there is no column {_CSV_COLUMN}"
    if tail.endswith(b"\n"):
        return None
    # The last line break may be left out, so the last record is compared with the header.
    last = next(csv.reader([tail.rsplit(b"\n", 1)[-1].decode("utf-8", "replace")]), [])
    if len(last) != len(header):
        return "its last record is incomplete: something is missing"
    return None
