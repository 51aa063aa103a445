"""Refusals of a report: what is wrong with it, in one printable line, and what to do."""

import re
from collections.abc import Iterable
from typing import Any

import duckdb

from billing_pipeline.errors import ReportRefusedError, escaped, first_line

DAMAGED = "The download may be damaged: request the report again, and if that does not help, ask Acronis."
NOT_REQUESTED = "Request the report again: Acronis delivered another report than the one that was requested."
UNKNOWN = "The format may have changed: compare the raw report with what this version reads."

OWN_MESSAGE = re.compile(r"row \d+: .*?(?=\n\nLINE \d|\Z)", re.DOTALL)
"""A message from cells.sql, which names row, field and value.

The value may hold line breaks, and DuckDB may append its statement.
"""


# A key with other characters may be a value, such as a customer's name.
_KEY = re.compile(r"[a-z_][A-Za-z0-9_.]{0,59}")
_OTHER_KEYS = "others that do not look like names of fields"


def shown_keys(keys: Iterable[Any]) -> str:
    """Names of fields; other keys may hold data and are left out."""
    names = [str(key) for key in keys]
    fields = [name for name in names if _KEY.fullmatch(name)]
    return ", ".join([*fields[:20], *([_OTHER_KEYS] if len(fields) < len(names) else [])]) or "none"


class UnknownLayoutError(ReportRefusedError):
    """A json_v2_0 file whose elements are in no known layout; it need not be damaged.

    Args:
        what: about the element.
        element: whose keys the message names.

    Attributes:
        keys: those that are names of fields; no data.
    """

    def __init__(self, what: str, element: Iterable[str]) -> None:
        self.keys = shown_keys(element)
        super().__init__(
            f"the layout of 'tenants' is not known: {what}; its keys are {self.keys}",
            todo=f"Nothing was loaded. {UNKNOWN}",
        )


def refused(what: str, todo: str = UNKNOWN) -> ReportRefusedError:
    """The error for a report that cannot be trusted; `what` names the row if it is known."""
    return ReportRefusedError(what, todo=f"Nothing was loaded. {todo}")


def refused_by_duckdb(error: duckdb.Error) -> ReportRefusedError:
    """The refusal for an error that a SELECT of this package raised: cells.sql names row, field and value."""
    text = str(error)
    own = OWN_MESSAGE.search(text)
    what = own[0] if own else "DuckDB cannot read it: " + first_line(text)
    return refused(escaped(what.strip()))


def shown(value: object) -> str:
    """A value of a report for a message: one line of at most 80 characters."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except RecursionError:
        text = "nested too deeply to be shown"
    return escaped(text if len(text) <= 80 else text[:77] + "...")
