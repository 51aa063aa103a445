"""DuckDB's complaint about a report, in the project's words."""

from __future__ import annotations

import re

import duckdb

from billing_pipeline.errors import ReportRefusedError, first_line
from billing_pipeline.normalize.refusals import UNKNOWN, on_one_line, refused

_OWN = re.compile(r"row \d+: .*?(?=\n\nLINE \d|\Z)", re.DOTALL)
"""What rows.sql says, with a value that may have line breaks; DuckDB may show its statement behind it."""


def refusal(error: duckdb.Error) -> ReportRefusedError:
    """The refusal that an error of a SELECT of this room stands for: rows.sql names row, field and value."""
    text = str(error)
    own = _OWN.search(text)
    told = own[0] if own else "DuckDB cannot read it: " + first_line(text)
    return refused(on_one_line(told.strip()), UNKNOWN)
