"""This machine: versions, the data folder, the warehouse."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from billing_pipeline.errors import BillingPipelineError, DataFolderError
from billing_pipeline.files import reporting_io_errors
from billing_pipeline.preflight.result import Result, failed, ok, warning
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse.schema import is_current
from billing_pipeline.warehouses import open_warehouse

_GIB = 1024**3
LEAST_FREE_BYTES = _GIB
_PACKAGES = ("billing-pipeline", "dagster", "duckdb", "pydantic", "requests")


def check_versions() -> Result:
    """What a maintainer asks for first."""
    versions = []
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} not installed as a package")
    python = f"Python {platform.python_version()}"
    return ok("versions", f"{', '.join((*versions, python))} on {platform.platform()}")


def check_data_folder(settings: PipelineSettings) -> Result:
    """Whether files can be written below the data folder, and how much room there is."""
    folder = settings.data_dir
    # The first load makes the folder.
    existing = next(filter(os.path.lexists, (folder, *folder.parents)))
    try:
        with reporting_io_errors(existing), tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            free = shutil.disk_usage(existing).free
    except DataFolderError as error:
        return failed("data folder", error)
    state = "writable" if existing == folder else f"will be made in {existing}"
    text = f"{folder}: {state}, {free / _GIB:,.1f} GiB free"
    warehouse = folder / "warehouse.duckdb"
    size = warehouse.stat().st_size if warehouse.exists() else 0
    needed = max(LEAST_FREE_BYTES, 2 * size)
    if free < needed:
        todo = f"Have {needed / _GIB:,.1f} GiB: a load copies the warehouse and keeps the raw report."
        return warning("data folder", text, todo)
    return ok("data folder", text)


def check_warehouse(settings: PipelineSettings) -> Iterator[Result]:
    """Whether the warehouse opens, and what is in it."""
    try:
        warehouse = open_warehouse(settings)
        if not warehouse.exists():
            yield ok("warehouse", f"{warehouse.location}: nothing is loaded yet")
            return
        with warehouse.reading() as connection:
            if not is_current(connection):
                yield ok(
                    "warehouse",
                    f"{warehouse.location}: opens; made by another version, and updated by the next load",
                )
                return
            (months, closed, last, last_load, other_rule) = connection.execute(
                read_sql("preflight/warehouse.sql"), {"delta_items": settings.delta_items}
            ).fetchone() or (0, 0, None, None, 0)
    except BillingPipelineError as error:
        yield failed("warehouse", error)
        return
    loaded = f", the last is {last:%Y-%m}; last load {last_load:%Y-%m-%d %H:%M} UTC" if months else ""
    yield ok("warehouse", f"{warehouse.location}: {months:,} months loaded, {closed:,} closed{loaded}")
    if other_rule:
        yield ok(
            "delta items",
            f"{other_rule:,} months were loaded under another rule than BILLING_DELTA_ITEMS="
            f"{settings.delta_items}, and keep it",
        )
