"""Runs whose process was killed: Dagster must be told.

Its daemon watches over the processes that it has started itself, and only while it lives. Other runs would be
in progress for ever, and count among those that may be in progress at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from billing_pipeline.dagster_home import dagster_instance
from billing_pipeline.landing.atomic import explained
from billing_pipeline.settings import PipelineSettings

_here: set[str] = set()


@contextmanager
def alive(settings: PipelineSettings, run_id: str) -> Iterator[None]:
    """A file of the run's name, locked by the system for as long as the process lives.

    Within such a block of the same run there is nothing to do.

    Raises:
        RawReportError: the file cannot be made.
    """
    if run_id in _here:
        yield
        return
    path = _folder(settings) / f"{run_id}.lock"
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(path).acquire()
    _here.add(run_id)
    try:
        with held:
            yield
            path.unlink(missing_ok=True)
    finally:
        _here.discard(run_id)


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
