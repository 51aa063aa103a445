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
    """A value of a report as an error names it: in full if short, and on one line."""
    text = value if isinstance(value, str) else repr(value)
    return on_one_line(text if len(text) <= 80 else text[:77] + "...")


def on_one_line(text: str) -> str:
    """The text with its line breaks, control characters and halves of characters written out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
