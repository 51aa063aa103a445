"""Where the usage rows lie in a json_v2_0 file, and what stands around them.

The file is `{"params": {...}, "tenants": [...]}`, keys in any order. Only its two ends are read here: JSON's
grammar is unambiguous, so if what stands before the array, `[]`, and what stands behind it parse
together as one object, and the array in between is completely valid (which those who read it see to),
then the whole file is valid and this is how it decomposes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from billing_pipeline.normalize import strict_json
from billing_pipeline.normalize.refusals import DAMAGED, refused, shown
from billing_pipeline.normalize.strict_json import CutShortError, StrictJsonError

_ENDS = (64 << 10, 1 << 20, 16 << 20)
"""Bytes that are looked at on either side of the array; the next size is tried where one was too small."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ARRAY = "tenants"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around the rows.

    Args:
        params: as in the file.
        start: offset of the first byte behind the `[` of the array.
        end: offset of its `]`.
    """

    params: Mapping[str, Any]
    start: int
    end: int


def read_envelope(path: Path) -> Envelope:
    """Find the rows of a json_v2_0 file.

    Raises:
        ReportRefusedError: it is not one whole JSON object with `params` and a list `tenants`.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        for length in _ENDS:
            head = _decoded_start(file.read(length))
            before = _before_array(head, whole=length >= size)
            if before is not None:
                break
            file.seek(0)
        else:
            raise refused(f"the first {_ENDS[-1]:,} bytes do not get to {_ARRAY!r}")
        start = len(before.encode())
        for length in _ENDS:
            tail_start = max(start, size - length)
            file.seek(tail_start)
            envelope = _close(before, file.read(), tail_start, start)
            if envelope is not None:
                return envelope
            if tail_start == start:
                break
    raise refused(
        f"the file does not end as a report does, with the end of {_ARRAY!r} and of the object: "
        "it is cut short, or something stands behind it",
        DAMAGED,
    )


def _decoded_start(head: bytes) -> str:
    if not head.strip():
        raise refused("the file is empty", DAMAGED)
    if head.startswith(_BYTE_ORDER_MARK):
        raise refused("the file starts with a byte order mark, which JSON does not allow", DAMAGED)
    try:
        return head.decode()
    except UnicodeDecodeError as error:
        if len(head) - error.start < 4:  # the block ended within a character
            return head[: error.start].decode()
        raise refused(f"byte {error.start:,} is not UTF-8", DAMAGED) from None


def _before_array(head: str, *, whole: bool) -> str | None:
    """The text up to and with the `[` of the array; None if `head` is too short to tell."""
    keys: list[str] = []
    try:
        position = _behind("{", head, 0)
        while head[position : position + 1] != "}":
            key, position = strict_json.parse_next(head, position)
            keys.append(str(key))
            position = _behind(":", head, position)
            if key == _ARRAY:
                _behind("[", head, position)
                return head[: position + 1]
            _, position = strict_json.parse_next(head, position)
            position = strict_json.skip_white_space(head, position)
            if head[position : position + 1] != "}":
                position = _behind(",", head, position)
    except StrictJsonError as error:
        if whole or not isinstance(error, CutShortError):
            raise refused(f"the file is not a report: {error}", DAMAGED) from None
        return None
    named = ", ".join(map(shown, keys[:10])) or "nothing"
    raise refused(f"the file has no list {_ARRAY!r}; it has: {named}")


def _behind(character: str, text: str, position: int) -> int:
    """The position of what follows `character`, which must come next but for white space."""
    position = strict_json.skip_white_space(text, position)
    if position >= len(text):
        raise CutShortError(f"it ends where {character!r} is expected")
    if text[position] != character:
        raise StrictJsonError(f"{character!r} is expected before {shown(text[position:])}")
    return strict_json.skip_white_space(text, position + 1)


def _close(before: str, tail: bytes, tail_start: int, start: int) -> Envelope | None:
    # The earliest bracket behind which the object closes: within the array more levels are still open, so
    # nothing earlier than its own end can be one.
    position = -1
    while (position := tail.find(b"]", position + 1)) >= 0:
        rest = tail[position + 1 :].lstrip(b" \t\n\r")
        if rest[:1] not in (b",", b"}"):
            continue
        try:
            report = strict_json.parse(before + "]" + rest.decode())
        except (StrictJsonError, UnicodeDecodeError):
            continue
        params = report.get("params")
        if not isinstance(params, dict):
            raise refused("the file has no object 'params'; it has: " + ", ".join(map(shown, report)))
        return Envelope(params=params, start=start, end=tail_start + position)
    return None
