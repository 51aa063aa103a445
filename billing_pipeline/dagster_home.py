"""Dagster's own state: a folder below the data, so that history survives every process."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

from filelock import FileLock

from billing_pipeline.settings import PipelineSettings


def prepare_dagster_home(settings: PipelineSettings) -> Path:
    """Make `<data>/dagster` the home of this process and of those that it starts.

    An existing `DAGSTER_HOME` in the environment is left as it is: its operator has chosen.
    Two processes that start at once on a new home can fail on its database, so the first
    initialises it under a lock.

    Args:
        settings: where the data lies, and how many runs Dagster may start at once.

    Returns:
        The home's absolute path.
    """
    if chosen := os.environ.get("DAGSTER_HOME"):
        return Path(chosen)
    home = settings.data_dir / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    with FileLock(home / ".initialise.lock"):
        template = resources.files(__package__).joinpath("dagster.yaml").read_text(encoding="utf-8")
        text = template.replace("$BILLING_OPEN_REPORTS", str(settings.open_reports))
        (home / "dagster.yaml").write_text(text, encoding="utf-8")
        if not (home / "history").exists():
            # Opening the instance in a process of its own leaves nothing open in ours.
            command = "from dagster import DagsterInstance; DagsterInstance.get().get_runs(limit=1)"
            subprocess.run([sys.executable, "-c", command], check=True)  # noqa: S603 - our own words
    return home
