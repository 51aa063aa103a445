"""Acronis Cyber Protect Cloud usage reports, loaded into DuckDB by Dagster, exact enough to invoice from.

For notebooks: `connect` opens the warehouse, `read` gives a table or view as a pandas frame.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from billing_pipeline.analysis import connect, read

__version__ = "0.1.0"
__all__ = ["connect", "read"]


def __getattr__(name: str) -> Any:
    # Imported at their first use: every command imports this package, and few need pandas.
    if name in __all__:
        return getattr(import_module("billing_pipeline.analysis"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
