"""The envelope of a json_v2_0 file: `params`, and where the array of usage rows starts and ends.

The file is `{"params": {...}, "tenants": [...]}`, keys in any order. Only its two ends are read here: JSON's
grammar is unambiguous, so if the text before the array, `[]` and the text behind it parse together as one
object, and the array itself is valid (the splitter checks that), then the whole file is valid and this is how
it decomposes. All searches are linear in the bytes that they read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from billing_pipeline.normalize import strict_json
from billing_pipeline.normalize.refusals import DAMAGED, UnknownLayoutError, refused, shown
from billing_pipeline.normalize.strict_json import CutShortError, StrictJsonError

_LARGEST_HEAD = 4 << 20
"""Bytes that are read before the array."""
_LARGEST_TAIL = 16 << 20
"""Bytes that are read behind the array."""
_LARGEST_OTHER_ARRAY = 64 << 10
"""Limit in bytes of another array behind the rows; a larger one would be taken for the rows."""
_CHUNK = 64 << 10
_TOKEN = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ARRAY = "tenants"
_PARAMS = "params"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The text around the rows.

    Args:
        params: of the report, as in the file.
        start: offset of the first byte behind the `[` of the array.
        end: offset of its `]`.
    """

    params: Mapping[str, Any]
    start: int
    end: int


def read_envelope(path: Path) -> Envelope:
    """Find the rows of a json_v2_0 file.

    Raises:
        UnknownLayoutError: it is an object with `params`, but its rows are elsewhere.
        ReportRefusedError: it is not one whole JSON object with `params` and a list `tenants`.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        before = _before_array(_decoded_start(file.read(_LARGEST_HEAD)), whole=size <= _LARGEST_HEAD)
        start = len(before.encode())
        end = _end_of_array(file, start, size)
        if end is not None:
            file.seek(end + 1)
            params = _params(before, file.read())
            if params is not None:
                return Envelope(params, start, end)
    raise refused(
        f"the file does not end as a report does, with the end of {_ARRAY!r} and of the object: "
        "it is cut short, or something follows it",
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


def _before_array(head: str, *, whole: bool) -> str:
    """The text up to and with the `[` of the array; `whole` if `head` is all of the file."""
    keys: list[str] = []
    others: list[str] = []
    try:
        position = _behind("{", head, 0)
        while head[position : position + 1] != "}":
            key, position = strict_json.parse_next(head, position)
            keys.append(str(key))
            position = _behind(":", head, position)
            if key == _ARRAY:
                if head[position : position + 1] == "{":
                    raise UnknownLayoutError(f"{_ARRAY!r} is an object, not a list", keys)
                _behind("[", head, position)
                return head[: position + 1]
            value, position = strict_json.parse_next(head, position)
            if value and isinstance(value, list | dict) and key != _PARAMS:
                others.append(str(key))
            position = strict_json.skip_white_space(head, position)
            if head[position : position + 1] != "}":
                position = _behind(",", head, position)
    except StrictJsonError as error:
        if whole or not isinstance(error, CutShortError):
            raise refused(f"the file is not a report: {error}", DAMAGED) from None
        raise UnknownLayoutError(f"the first {_LARGEST_HEAD:,} bytes do not get to it", keys) from None
    if others and _PARAMS in keys:
        raise UnknownLayoutError(f"the file has no list {_ARRAY!r}", keys)
    named = ", ".join(map(shown, keys[:10])) or "nothing"
    raise refused(f"the file has no list {_ARRAY!r}; it has: {named}")


def _behind(character: str, text: str, position: int) -> int:
    """The position behind `character`, which must be the next character apart from white space."""
    position = strict_json.skip_white_space(text, position)
    if position >= len(text):
        raise CutShortError(f"it ends where {character!r} is expected")
    if text[position] != character:
        raise StrictJsonError(f"{character!r} is expected before {shown(text[position:])}")
    return strict_json.skip_white_space(text, position + 1)


def _end_of_array(file: BinaryIO, start: int, size: int) -> int | None:
    """The offset of the array's `]`, found from the end of the file; None if its end is not a report's."""
    depth = 0
    end, is_array = size, False
    lowest = max(start, size - _LARGEST_TAIL - _LARGEST_OTHER_ARRAY)
    for offset, bracket in _brackets_backwards(file, lowest, size):
        if bracket in b"]}":
            depth += 1
            if depth == 2:  # the end of the value of one of the report's own keys
                end, is_array = offset, bracket == b"]"
        else:
            depth -= 1
            if depth < 1:  # not JSON: if a row is malformed, the splitter names it
                break
        if depth >= 2 and is_array and end - offset > _LARGEST_OTHER_ARRAY:
            return end
    return end if is_array else None


def _brackets_backwards(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Brackets outside of strings, from the last to the first, each with its offset.

    A quotation mark starts or ends a string if and only if it is not escaped, in either direction.
    """
    in_string = False
    size = _CHUNK
    while end > start:
        first = max(start, end - size)
        file.seek(first)
        chunk = file.read(end - first)
        # A backslash before the chunk may escape its first byte, so the first bytes belong to the next chunk.
        skipped = len(chunk) - len(chunk.lstrip(b"\\")) + 1 if first > start else 0
        if skipped >= len(chunk):
            size *= 2
            continue
        size = _CHUNK
        for match in reversed(list(_TOKEN.finditer(chunk, skipped))):
            token = match[0]
            if token == b'"':
                in_string = not in_string
            elif len(token) == 1 and not in_string:
                yield first + match.start(), token
        end = first + skipped


def _params(before: str, behind: bytes) -> Mapping[str, Any] | None:
    """The report's `params`; None if what surrounds the array is not one valid object."""
    try:
        report = strict_json.parse(before + "]" + behind.decode())
    except (StrictJsonError, UnicodeDecodeError):
        return None
    params = report.get("params")
    if not isinstance(params, dict):
        raise refused("the file has no object 'params'; it has: " + ", ".join(map(shown, report)))
    return params
