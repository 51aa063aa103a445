"""Acronis Cyber Protect Cloud usage reports, loaded into DuckDB by Dagster, exact enough to invoice from."""

__version__ = "0.1.0"
