"""Dagster's home: its configuration and history, below the data folder."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from billing_pipeline.errors import SettingsError, first_line, printable_line
from billing_pipeline.files import atomic_write, is_shared, make_folder, restrict_new_files
from billing_pipeline.orchestration.history_files import open_history
from billing_pipeline.settings import PipelineSettings

if TYPE_CHECKING:
    from dagster import DagsterInstance

_OF_COMMANDS = {
    # Collects nothing, even if another program's home has telemetry switched on.
    "telemetry": {"enabled": False},
    # Steps write no output; on Ctrl-C the programs that would capture it print stack traces.
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
}

# In addition to runs with a report: runs without one, such as a replay or the freshness check.
_OTHER_RUNS = 2


@contextmanager
def dagster_instance(settings: PipelineSettings) -> "Iterator[DagsterInstance]":
    """Dagster's instance in `<data>/dagster`, which becomes the home of this process and its child processes.

    An existing `DAGSTER_HOME` in the environment is used as it is. Two processes that start at the same time
    on a new home can fail on its databases, so each opens the instance under a lock.

    Args:
        settings: name the data folder, and limit the runs that Dagster starts.

    Raises:
        SettingsError: the home cannot be made, or one of its databases cannot be read or written.
    """
    disable_telemetry()
    restrict_new_files(settings.data_dir)
    with ExitStack() as starting:
        if chosen := os.environ.get("DAGSTER_HOME"):
            if not Path(chosen).is_absolute() or not Path(chosen).is_dir():
                raise SettingsError(
                    f"DAGSTER_HOME is {chosen}, which is not the absolute path of a folder",
                    todo="Make the folder, or unset DAGSTER_HOME: the home is then below BILLING_DATA_DIR.",
                )
        else:
            starting.callback(_make_home(settings).release)
        _require_writable(Path(os.environ["DAGSTER_HOME"]))
        with existing_instance() as instance:
            starting.close()
            yield instance


def _make_home(settings: PipelineSettings) -> FileLock:
    """Make `<data>/dagster` the home; its lock is held until it is released."""
    home = settings.data_dir / "dagster"
    lock = FileLock(home / ".initialise.lock")
    template = resources.files(__package__).joinpath("dagster.yaml").read_text(encoding="utf-8")
    text = template.replace("$REPORT_RUNS", str(settings.open_reports))
    text = text.replace("$ALL_RUNS", str(settings.open_reports + _OTHER_RUNS))
    try:
        make_folder(home)
        lock.acquire()
        with atomic_write(home / "dagster.yaml") as file:
            # A process that started now and read half of it would switch telemetry on.
            file.write(text.encode())
    except OSError as error:
        raise _cannot_be_written(error, home) from error
    os.environ["DAGSTER_HOME"] = str(home)
    return lock


def _cannot_be_written(error: OSError, home: Path) -> SettingsError:
    return SettingsError(
        f"{error.filename or home} cannot be made or written: {error.strerror or error}",
        todo="Check BILLING_DATA_DIR and its permissions.",
    )


def _require_writable(home: Path) -> None:
    """Raise if a database belongs to another user, before SQLite adds files that would lock its owner out."""
    for pattern in ("history/*.db*", "history/runs/index.db*", "schedules/*.db*"):
        for path in home.glob(pattern):
            if not os.access(path, os.R_OK | os.W_OK):
                raise SettingsError(
                    f"{path} cannot be written by this user",
                    todo=f"Let its owner correct its permissions: chmod -R g+rwX {home}.",
                )


def disable_telemetry() -> None:
    """Send no telemetry of Dagster from this process and its child processes, whatever its home says."""
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"


def _share_databases(home: Path) -> None:
    """Let the group of a shared home write our databases, which SQLite makes for their owner only."""
    for path in home.rglob("*.db*") if is_shared(home) else ():
        with suppress(OSError):  # a colleague's, or gone by now
            path.chmod(path.stat().st_mode | stat.S_IRGRP | stat.S_IWGRP)


@contextmanager
def existing_instance() -> "Iterator[DagsterInstance]":
    """Dagster's instance in the home that `DAGSTER_HOME` names.

    Raises:
        SettingsError: one of its databases cannot be read or written.
    """
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError  # noqa: PLC0415

    try:
        with open_history(), _as_configured() as instance:
            yield instance
    except SQLAlchemyError as error:
        # Without the statement and its parameters, which do not help the reader.
        reason = first_line(error.orig if isinstance(error, DBAPIError) else error)
        raise SettingsError(
            f"Dagster cannot use {os.environ['DAGSTER_HOME']}: {reason}",
            todo="Free some disk space, or correct its permissions; if a file of it is damaged, move the "
            "folder away: Dagster's history is lost then, the warehouse is not.",
        ) from error
    finally:
        _share_databases(Path(os.environ["DAGSTER_HOME"]))


def _as_configured() -> "DagsterInstance":
    """The instance as `dagster.yaml` in its home configures it; an operator may have written that file."""
    # The import takes seconds, and not every process needs it.
    from dagster import DagsterError, DagsterInstance  # noqa: PLC0415
    from dagster._config.errors import PostProcessingError  # noqa: PLC0415
    from dagster._core.instance.ref import InstanceRef  # noqa: PLC0415
    from dagster_shared.check import CheckError  # noqa: PLC0415
    from yaml import YAMLError  # noqa: PLC0415

    try:
        return DagsterInstance.from_ref(
            InstanceRef.from_dir(os.environ["DAGSTER_HOME"], overrides=_OF_COMMANDS)
        )
    except OSError as error:
        raise _cannot_be_written(error, Path(os.environ["DAGSTER_HOME"])) from error
    except (DagsterError, PostProcessingError, CheckError, YAMLError) as error:
        raise SettingsError(
            f"Dagster cannot be used as {os.environ['DAGSTER_HOME']}/dagster.yaml says: "
            f"{printable_line(error)[:300]}",
            todo="Correct the file, or set the variables that it names.",
        ) from None
