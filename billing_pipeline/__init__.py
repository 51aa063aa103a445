"""Acronis Cyber Protect Cloud usage reports, loaded into DuckDB by Dagster, exact enough to invoice from."""
