"""Runs whose process was killed: Dagster must be told.

Its daemon watches over the processes that it has started itself, and only while it lives. Other runs would be
in progress for ever, and count among those that may be in progress at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from billing_pipeline.landing.atomic import explained
from billing_pipeline.settings import PipelineSettings

if TYPE_CHECKING:
    from dagster import DagsterInstance


@contextmanager
def alive(settings: PipelineSettings, run_id: str) -> Iterator[None]:
    """A file of the run's name, locked by the system for as long as the process lives.

    The process may hold it more than once: a command for its run, and Dagster for any run's steps.

    Raises:
        RawReportError: the file cannot be made.
    """
    path = _folder(settings) / f"{run_id}.lock"
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, is_singleton=True, thread_local=False)
        held = lock.acquire()
    with held:
        yield
        if lock.lock_counter == 1:
            path.unlink(missing_ok=True)


def end_killed_runs(settings: PipelineSettings, instance: DagsterInstance) -> None:
    """Record as failed what is in progress no more.

    Args:
        settings: where the data lies.
        instance: from `dagster_instance`.
    """
    for path in _folder(settings).glob("*.lock"):
        with suppress(Timeout), FileLock(path, timeout=0):
            run = instance.get_run_by_id(path.stem)
            if run is not None and not run.is_finished:
                instance.report_run_failed(run, "Its process was killed. Launch it again: it continues.")
            path.unlink(missing_ok=True)


def _folder(settings: PipelineSettings) -> Path:
    return settings.data_dir / "slots" / "runs"
