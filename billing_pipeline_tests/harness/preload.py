"""What the fork server imports: the product, and what its first run would import."""

from __future__ import annotations

from importlib import import_module

for name in (
    "billing_pipeline.cli.run",
    "billing_pipeline.cli.check",
    "billing_pipeline.cli.status",
    "billing_pipeline.cli.export",
    "billing_pipeline.cli.sql",
    "billing_pipeline.definitions",
    "billing_pipeline.month_report",
    "dagster._core.execution.execute_in_process",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.storage.event_log.sqlite",
    "dagster._core.storage.runs.sqlite",
    "dagster._core.storage.schedules.sqlite",
    "dagster._core.executor.in_process",
    "dagster._daemon.controller",
    "sqlalchemy.dialects.sqlite",
    "tabulate",
    # A target in a test module is found by importing that module.
    "pytest",
    "billing_pipeline_tests.harness.command_line",
):
    import_module(name)
