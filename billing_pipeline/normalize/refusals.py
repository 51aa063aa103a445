"""What is told when a report is refused."""

from __future__ import annotations

from billing_pipeline.errors import ReportRefusedError

DAMAGED = (
    "The download may be damaged: order the report again; if that does not help, show it to Acronis' support."
)
NOT_ORDERED = "Order the report again; what was ordered and what was delivered differ."
UNKNOWN = "The format may have changed: look at the raw report, and at what this version reads."


def refused(what: str, todo: str = UNKNOWN) -> ReportRefusedError:
    """A report that cannot be trusted, and what to do about it."""
    return ReportRefusedError(what, todo=f"Nothing was loaded. {todo}")


def shown(value: object) -> str:
    """A value of a report as an error names it: in full if short."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
