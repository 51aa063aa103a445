"""`make ui`: Dagster's UI and daemon on loopback, with state that is kept below the data folder."""

from __future__ import annotations

import os
import sys

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.orchestration.home import dagster_instance, prepare_dagster_home
from billing_pipeline.orchestration.orphaned_runs import fail_orphaned_runs
from billing_pipeline.settings import PROJECT_ROOT, PipelineSettings


def main() -> None:
    """Become `dagster dev`."""
    try:
        settings = PipelineSettings.load()
        prepare_dagster_home(settings)
        # Open the instance here first: a damaged history is then reported once, not by every child process.
        with dagster_instance() as instance:
            fail_orphaned_runs(settings, instance)
    except BillingPipelineError as error:
        sys.exit(str(error))
    os.chdir(PROJECT_ROOT)
    arguments = ["dev", "--workspace", "workspace.yaml", "--host", "127.0.0.1", *sys.argv[1:]]
    os.execv(sys.executable, [sys.executable, "-m", "dagster", *arguments])  # noqa: S606 - our own words


if __name__ == "__main__":
    main()
