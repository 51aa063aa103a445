"""Dagster's own state: a folder below the data, so that history survives every process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from billing_pipeline.errors import SettingsError, first_line
from billing_pipeline.landing.atomic import whole_file
from billing_pipeline.settings import PipelineSettings

if TYPE_CHECKING:
    from dagster import DagsterInstance

_MOST_SPARE_RUNS = 8


def report_runs(settings: PipelineSettings) -> int:
    """How many runs with a report are started at once.

    More than there may be open reports, because reports that were ordered together are ready together:
    while their rows are loaded, the next ones are ordered by runs that have only been waiting for that.
    """
    return settings.open_reports + min(settings.open_reports, _MOST_SPARE_RUNS)


def prepare_dagster_home(settings: PipelineSettings) -> Path:
    """Make `<data>/dagster` the home of this process and of those that it starts.

    An existing `DAGSTER_HOME` in the environment is left as it is: its operator has chosen.
    Two processes that start at once on a new home can fail on its database, so the first
    initialises it under a lock.

    Args:
        settings: where the data lies, and how many runs Dagster may start at once.

    Returns:
        The home's absolute path.

    Raises:
        SettingsError: the folder cannot be made or initialised.
    """
    if chosen := os.environ.get("DAGSTER_HOME"):
        if not Path(chosen).is_absolute() or not Path(chosen).is_dir():
            raise SettingsError(
                f"DAGSTER_HOME is {chosen}, which is not the absolute path of a folder",
                todo="Make the folder, or unset DAGSTER_HOME: then it lies below BILLING_DATA_DIR.",
            )
        return Path(chosen)
    home = settings.data_dir / "dagster"
    try:
        home.mkdir(parents=True, exist_ok=True)
        os.environ["DAGSTER_HOME"] = str(home)
        _initialise(home, report_runs(settings))
    except OSError as error:
        raise SettingsError(
            f"{error.filename or home} cannot be made or written: {error.strerror or error}",
            todo="Check BILLING_DATA_DIR and its rights.",
        ) from error
    return home


@contextmanager
def dagster_instance() -> Iterator[DagsterInstance]:
    """Dagster's instance in the home that `prepare_dagster_home` has made.

    Raises:
        SettingsError: one of its databases cannot be read or written.
    """
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError  # noqa: PLC0415

    try:
        with _as_configured() as instance:
            yield instance
    except SQLAlchemyError as error:
        # The statement and its parameters are of no use to the reader.
        told = first_line(error.orig if isinstance(error, DBAPIError) else error)
        raise SettingsError(
            f"Dagster cannot use {os.environ['DAGSTER_HOME']}: {told}",
            todo="Make room, or correct its permissions; if a file of it is damaged, move the folder away: "
            "Dagster's history is lost then, the warehouse is not.",
        ) from error


def _as_configured() -> DagsterInstance:
    """The instance as its home's `dagster.yaml` describes it, which an operator may have written."""
    # Takes seconds, and not every process needs it.
    from dagster import DagsterError, DagsterInstance  # noqa: PLC0415
    from dagster._config.errors import PostProcessingError  # noqa: PLC0415
    from dagster_shared.check import CheckError  # noqa: PLC0415
    from yaml import YAMLError  # noqa: PLC0415

    try:
        return DagsterInstance.get()
    except (DagsterError, PostProcessingError, CheckError, YAMLError) as error:
        raise SettingsError(
            f"Dagster cannot be used as {os.environ['DAGSTER_HOME']}/dagster.yaml says: "
            f"{' '.join(str(error).split())[:300]}",
            todo="Correct the file, or set the variables that it names.",
        ) from None


def _initialise(home: Path, runs: int) -> None:
    with FileLock(home / ".initialise.lock"):
        template = resources.files(__package__).joinpath("dagster.yaml").read_text(encoding="utf-8")
        text = template.replace("$REPORT_RUNS", str(runs)).replace("$ALL_RUNS", str(runs + 2))
        with whole_file(home / "dagster.yaml") as file:
            # Half of it, seen by a process that starts just now, would switch telemetry on.
            file.write(text.encode())
        if not (home / "history").exists():
            with dagster_instance() as instance:
                instance.get_runs(limit=1)
