"""Dagster resources: the settings and the reports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import dagster as dg

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.files import restrict_new_files
from billing_pipeline.orchestration.orphaned_runs import run_lock
from billing_pipeline.orchestration.reports import AcronisReports
from billing_pipeline.orchestration.settings import Settings


def settings_resource(settings: Settings) -> dg.ResourceDefinition:
    """The settings; the run's lock is held for as long as the run uses them."""

    @dg.resource
    def locked_settings(context: dg.InitResourceContext) -> Iterator[Settings]:
        with ExitStack() as locks:
            # A data folder that cannot be used is reported by the step that needs it, in one line.
            with suppress(BillingPipelineError):
                locks.callback(os.umask, restrict_new_files(settings.pipeline.data_dir))
                if context.run is not None:
                    locks.enter_context(run_lock(settings.pipeline, context.run.run_id))
            yield settings

    return locked_settings


def acronis_reports_resource(settings: Settings) -> dg.ResourceDefinition:
    """Reports from the API; the run's end frees the slot of a report that is still open."""

    @dg.resource
    def acronis_reports(_: dg.InitResourceContext) -> Iterator[AcronisReports]:
        with closing(AcronisReports(settings)) as reports:
            yield reports

    return acronis_reports
