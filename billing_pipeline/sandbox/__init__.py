"""A local sandbox of the Acronis account-management API, for the demo, the tests and the benchmarks.

It shares no code with the client, the normaliser or the warehouse, so that tests can compare them with an
independent witness. Its data is invented; its answers follow the API's documentation.
"""

from billing_pipeline.sandbox.local import Sandbox
from billing_pipeline.sandbox.report_files import render_report

__all__ = ["Sandbox", "render_report"]
