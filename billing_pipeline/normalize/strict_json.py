"""Strict JSON parser of the slow path: for envelopes, and for rows that the fast parser rejects."""

import json
import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any

from billing_pipeline.errors import first_line
from billing_pipeline.normalize.refusals import shown

MAX_DEPTH = 100
"""Maximum nesting depth. Reports have four levels; Python's recursion limit is near 1,000."""

_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_WHITE_SPACE = re.compile(r"[ \t\n\r]*")
_DIGITS_OF_AN_INT = 60
_LONGEST_TOKEN = 12  # an escaped surrogate pair


class StrictJsonError(ValueError):
    """The text is not JSON, or has a key twice in one object."""


class CutShortError(StrictJsonError):
    """The text is malformed at its very end, so that more text may complete it."""


def parse(text: str) -> Any:
    """The value of a whole text; numbers that are not plain integers as exact `Decimal`.

    Raises:
        StrictJsonError: malformed, NaN or Infinity, a key twice in one object, a lone surrogate, more than
            `MAX_DEPTH` levels, or something behind the value.
    """
    value, end = parse_next(text, skip_white_space(text, 0))
    if skip_white_space(text, end) < len(text):
        raise StrictJsonError(f"something follows it: {shown(text[end : end + 100])}")
    return value


def parse_next(text: str, position: int) -> tuple[Any, int]:
    """The value that starts at `position`, and the position behind it.

    Raises:
        StrictJsonError: as `parse`.
    """
    try:
        value, end = _decoder.raw_decode(text, position)
        if _LONE_SURROGATE.search(text, position, end):
            _text(value).encode()
    except UnicodeEncodeError:
        raise StrictJsonError("half of a surrogate pair in a text") from None
    except StrictJsonError:
        raise
    except RecursionError:
        raise StrictJsonError("nested too deeply") from None
    except json.JSONDecodeError as error:
        near = shown(text[error.pos : error.pos + 100])
        if error.msg.startswith("Unterminated") or error.pos > len(text) - _LONGEST_TOKEN:
            raise CutShortError(f"it ends too early: {error.msg} near {near}") from None
        raise StrictJsonError(f"{error.msg} near {near}") from None
    except (ValueError, InvalidOperation) as error:
        raise StrictJsonError(first_line(error)) from None
    _refuse_deep(value)
    return value, end


def encode(value: Any) -> str:
    """JSON text of what `parse` returned, every number with the digits that it had."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(k)}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    if isinstance(value, Decimal):
        return str(value)
    return _text(value)


def skip_white_space(text: str, position: int) -> int:
    """The position of the next character that is not JSON white space."""
    match = _WHITE_SPACE.match(text, position)
    return match.end() if match else position


def _refuse_deep(value: Any) -> None:
    """Enforce `MAX_DEPTH`, level by level and without recursion."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            return
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    raise StrictJsonError(f"nested too deeply, in more than {MAX_DEPTH} levels")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise StrictJsonError(f"the key {shown(twice)!r} appears twice in one object")
    return found


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _DIGITS_OF_AN_INT else Decimal(text)


def _constant(text: str) -> Any:
    raise StrictJsonError(f"{text} is not a number")


_text = json.JSONEncoder(ensure_ascii=False, default=str).encode
_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=Decimal, parse_int=_integer, parse_constant=_constant
)
