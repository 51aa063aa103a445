"""A local server that speaks the Acronis account-management API, for the demo and the tests.

It shares no code with the client, the normaliser or the warehouse: it is the independent witness that they
are held against. Its data is invented; its answers follow the API's documentation.
"""

from __future__ import annotations

from billing_pipeline.sandbox.local import Sandbox
from billing_pipeline.sandbox.report_files import ReportOptions, write_report
from billing_pipeline.sandbox.serving import serve

__all__ = ["ReportOptions", "Sandbox", "serve", "write_report"]
