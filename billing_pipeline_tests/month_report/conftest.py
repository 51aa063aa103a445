"""A month's page, open in a browser that reaches nothing."""

from billing_pipeline_tests.ui.conftest import browser

__all__ = ["browser"]
