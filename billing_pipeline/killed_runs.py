"""Runs that were begun by a command and whose process was killed: Dagster must be told.

It watches over its daemon's runs only. One of a command's would be in progress for ever, and count among
those that may be in progress at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from billing_pipeline.dagster_home import dagster_instance
from billing_pipeline.landing.atomic import explained
from billing_pipeline.settings import PipelineSettings


@contextmanager
def alive(settings: PipelineSettings) -> Iterator[str]:
    """The id of a new run; a file of its name is locked by the system for as long as the process lives.

    Raises:
        RawReportError: the file cannot be made.
    """
    run_id = str(uuid4())
    path = _folder(settings) / f"{run_id}.lock"
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(path).acquire()
    with held:
        yield run_id
        path.unlink(missing_ok=True)


def end_killed_runs(settings: PipelineSettings) -> None:
    """Record as failed what is in progress no more.

    Args:
        settings: where the data lies; Dagster's home must have been prepared.

    Raises:
        SettingsError: Dagster cannot be told.
    """
    for path in _folder(settings).glob("*.lock"):
        with suppress(Timeout), FileLock(path, timeout=0):
            with dagster_instance() as instance:
                run = instance.get_run_by_id(path.stem)
                if run is not None and not run.is_finished:
                    instance.report_run_failed(run, "Its process was killed. Launch it again: it continues.")
            path.unlink(missing_ok=True)


def _folder(settings: PipelineSettings) -> Path:
    return settings.data_dir / "slots" / "runs"
