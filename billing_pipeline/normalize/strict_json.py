"""JSON read slowly and without leniency: for envelopes, and for rows that the fast reader does not take."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

_DIGITS_OF_AN_INT = 60


class StrictJsonError(ValueError):
    """The text is not JSON, or says something twice."""


def parse(text: str) -> Any:
    """The value that `text` holds; numbers that are not plain integers as `Decimal`, exact.

    Raises:
        StrictJsonError: malformed, NaN or Infinity, a key twice in one object, half a surrogate pair, nested
            too deeply.
    """
    try:
        return _decode(text)
    except StrictJsonError:
        raise
    except RecursionError:
        raise StrictJsonError("nested too deeply") from None
    except (ValueError, InvalidOperation) as error:
        raise StrictJsonError(_first_line(error)) from None


def encode(value: Any) -> str:
    """JSON text of what `parse` returned, every number with the digits that it had."""
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{encode(v)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


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
    for key, value in pairs:
        _refuse_half_characters(key)
        _refuse_half_characters(value)
    return found


def _refuse_half_characters(value: Any) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise StrictJsonError("half of a surrogate pair in a text") from None
    elif isinstance(value, list):
        for item in value:
            _refuse_half_characters(item)


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _DIGITS_OF_AN_INT else Decimal(text)


def _constant(text: str) -> Any:
    raise StrictJsonError(f"{text} is not a number")


_decode = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=Decimal, parse_int=_integer, parse_constant=_constant
).decode
raw_decode = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=Decimal, parse_int=_integer, parse_constant=_constant
).raw_decode


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
