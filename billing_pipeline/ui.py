"""`make ui`: Dagster's UI and daemon on loopback, with persistent state in the data folder."""

from __future__ import annotations

import os
import sys

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.orchestration.home import dagster_instance, prepare_dagster_home
from billing_pipeline.orchestration.orphaned_runs import fail_orphaned_runs
from billing_pipeline.settings import PROJECT_ROOT, PipelineSettings
from billing_pipeline.settings.environment import ENV_FILE, env_file


def main() -> None:
    """Become `dagster dev`."""
    try:
        settings = PipelineSettings.load()
        home = prepare_dagster_home(settings)
        # Open the instance here first: a damaged history is then reported once, not by every child process.
        with dagster_instance() as instance:
            fail_orphaned_runs(settings, instance)
    except BillingPipelineError as error:
        sys.exit(str(error))
    # `dagster dev` loads `.env` of its working directory, overriding the environment and expanding
    # references. So it gets another working directory, and its children get absolute paths.
    os.environ |= {ENV_FILE: str(env_file()), "BILLING_DATA_DIR": str(settings.data_dir)}
    os.chdir(home)
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1"]
    workspace = ["--workspace", str(PROJECT_ROOT / "workspace.yaml")]
    os.execv(sys.executable, [*command, *workspace, *sys.argv[1:]])  # noqa: S606 - our own words


if __name__ == "__main__":
    main()
