"""JSON read slowly and without leniency: for envelopes, and for rows that the fast reader does not take."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from billing_pipeline.errors import first_line
from billing_pipeline.normalize.refusals import shown

_HALF_OF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
_DIGITS_OF_AN_INT = 60
_LONGEST_TOKEN = 12  # half of a surrogate pair that is escaped, twice


class StrictJsonError(ValueError):
    """The text is not JSON, or says something twice."""


class CutShortError(StrictJsonError):
    """The text is malformed at its very end: it may go on."""


def parse(text: str) -> Any:
    """The value that `text` holds; numbers that are not plain integers as `Decimal`, exact.

    Raises:
        StrictJsonError: malformed, NaN or Infinity, a key twice in one object, half a surrogate pair, nested
            too deeply.
    """
    value, end = parse_next(text, skip_white_space(text, 0))
    if skip_white_space(text, end) < len(text):
        raise StrictJsonError(f"something stands behind it: {shown(text[end:])}")
    return value


def parse_next(text: str, position: int) -> tuple[Any, int]:
    """The value that stands in `text` at `position`, and the position behind it.

    Raises:
        StrictJsonError: as `parse`.
    """
    try:
        found = _decoder.raw_decode(text, position)
        if _HALF_OF_A_CHARACTER.search(text, position, found[1]):
            _encoder.encode(found[0]).encode()
    except UnicodeEncodeError:
        raise StrictJsonError("half of a surrogate pair in a text") from None
    except StrictJsonError:
        raise
    except RecursionError:
        raise StrictJsonError("nested too deeply") from None
    except json.JSONDecodeError as error:
        if error.msg.startswith("Unterminated") or error.pos > len(text) - _LONGEST_TOKEN:
            raise CutShortError(f"it ends too early: {error.msg} near {shown(text[error.pos :])}") from None
        raise StrictJsonError(f"{error.msg} near {shown(text[error.pos :])}") from None
    except (ValueError, InvalidOperation) as error:
        raise StrictJsonError(first_line(error)) from None
    return found


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
    while position < len(text) and text[position] in " \t\n\r":
        position += 1
    return position


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise StrictJsonError(f"the key {twice!r} stands twice in one object")
    return found


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _DIGITS_OF_AN_INT else Decimal(text)


def _constant(text: str) -> Any:
    raise StrictJsonError(f"{text} is not a number")


_text = json.JSONEncoder(ensure_ascii=False).encode
_encoder = json.JSONEncoder(ensure_ascii=False, default=str)
_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=Decimal, parse_int=_integer, parse_constant=_constant
)
