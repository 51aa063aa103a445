"""Ids of the API as text that is safe in a path and in a URL."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def api_id(value: object) -> str:
    """The lower-case UUID that `value` is.

    Every id that the API sends becomes part of a URL, and a report's id the name of a folder, so
    nothing else passes: no `..`, no slash, no other way of writing a UUID.

    Raises:
        ValueError: it is not a UUID in its usual form with hyphens.
    """
    if isinstance(value, str) and is_api_id(value):
        return value.lower()
    raise ValueError(f"{str(value)[:40]!r} is not a UUID")


def is_api_id(value: object) -> bool:
    """Whether `api_id` takes it."""
    return isinstance(value, str) and _UUID.fullmatch(value.lower()) is not None
