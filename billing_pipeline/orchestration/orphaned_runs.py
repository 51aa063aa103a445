"""Runs whose process was killed.

Dagster's daemon monitors only runs that it launched. A run killed anywhere else stays STARTED for ever and
occupies a concurrency slot. So every run holds a lock file, and the next command fails the runs whose lock is
free.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from billing_pipeline.files import make_folder, reporting_io_errors
from billing_pipeline.settings import PipelineSettings

if TYPE_CHECKING:
    from dagster import DagsterInstance


@contextmanager
def run_lock(settings: PipelineSettings, run_id: str) -> Iterator[None]:
    """Hold the lock of a run; the system releases it when the process dies.

    The process may hold it twice: the command for the run, and Dagster for the run's steps.

    Raises:
        DataFolderError: the lock file cannot be made.
    """
    path = _folder(settings) / f"{run_id}.lock"
    with reporting_io_errors(path):
        make_folder(path.parent)
        lock = FileLock(path, is_singleton=True, thread_local=False)
        lock.acquire()
    try:
        yield
        # What the run did is done: the next command removes a lock file that is left.
        with suppress(OSError):
            if lock.lock_counter == 1:
                path.unlink(missing_ok=True)
    finally:
        with suppress(OSError):
            lock.release()


def fail_orphaned_runs(settings: PipelineSettings, instance: "DagsterInstance") -> None:
    """Record runs as failed whose process no longer exists.

    Args:
        settings: name the data folder.
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
