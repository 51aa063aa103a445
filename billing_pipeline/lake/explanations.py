"""What DuckDB and libpq say when a lake cannot be used, as an error that says what to do."""

from __future__ import annotations

import re

import duckdb
import psycopg2

from billing_pipeline.errors import WarehouseError, first_line

# What DuckDB quotes of libpq, after the connection string that it was given.
_LIBPQ = re.compile(
    r"(?:connection to server|could not translate|invalid connection option|invalid \w+ value|missing \"=\")"
    r".*",
    re.DOTALL,
)
_REJECTED = ("password authentication failed", "no password supplied", "no pg_hba.conf entry", 'role "')
_UNREACHABLE = (
    "Connection refused",
    "could not translate",
    "timeout expired",
    "timed out",
    "No route",
    "server closed the connection",
    "terminating connection",
    "connection already closed",
    "the database system is",
)
_OTHER_DATA_PATH = re.compile(r'does not match existing data path in the catalog "([^"]*)"')
_LOST_FILE = re.compile(r"\.parquet.*(No such file|404)", re.DOTALL)
_STORE = (duckdb.IOException, duckdb.HTTPException, duckdb.PermissionException)
# What DuckLake says when another transaction committed first.
_CONFLICTS = ("conflict", "maximum retry count", "could not serialize", "duplicate key")


def cause_of(error: duckdb.Error | psycopg2.Error) -> str:
    """The cause in one line, without the connection string that DuckDB repeats before it."""
    raw = str(error)
    if found := _LIBPQ.search(raw):
        return " ".join(found[0].split())
    _, sign, cause = raw.rpartition("ERROR:")  # PostgreSQL's, which DuckLake quotes last
    return first_line(cause) if sign else first_line(error)


def explained(
    error: duckdb.Error | psycopg2.Error, cause: str, location: str, data_path: str
) -> WarehouseError | None:
    """The error to raise instead; None for a defect, which stays what it is.

    Args:
        cause: `cause_of` the error, without secrets.
        location: which database it is.
        data_path: where the Parquet files are.
    """
    return _of_catalogue(error, cause, location) or _of_store(error, cause, data_path)


def _of_catalogue(error: duckdb.Error | psycopg2.Error, cause: str, location: str) -> WarehouseError | None:
    raw = str(error)
    if isinstance(error, duckdb.TransactionException) and any(sign in raw for sign in _CONFLICTS):
        return WarehouseError(
            f"another program changed the lake at the same time: {cause}",
            todo="Nothing was changed. Run again, and keep other programs from writing to the lake.",
        )
    if any(sign in raw for sign in _REJECTED):
        return WarehouseError(
            f"{location} rejects the warehouse's user: {cause}",
            todo="Check user and password: BILLING_WAREHOUSE, PGPASSWORD or the passfile.",
        )
    if re.search(r'database "[^"]*" does not exist', raw):
        return WarehouseError(
            f"{location} does not exist", todo="Create it (createdb), or correct dbname in BILLING_WAREHOUSE."
        )
    if "permission denied for" in raw:
        return WarehouseError(
            f"{location} does not let the warehouse's user do this: {cause}",
            todo="Name the lake's owner in BILLING_WAREHOUSE, or grant this user more (docs/lake.md).",
        )
    if isinstance(error, psycopg2.Error) or _LIBPQ.search(raw) or any(sign in raw for sign in _UNREACHABLE):
        return WarehouseError(
            f"{location} cannot be used: {cause}",
            todo="See whether PostgreSQL runs and BILLING_WAREHOUSE is right, and run again; "
            "the lake holds the old state or the new one, whole.",
        )
    return None


def _of_store(error: duckdb.Error | psycopg2.Error, cause: str, data_path: str) -> WarehouseError | None:
    if found := _OTHER_DATA_PATH.search(str(error)):
        return WarehouseError(
            f"the lake keeps its files in {found[1]}, and BILLING_LAKE_DATA says {data_path}",
            todo="Set BILLING_LAKE_DATA as it was when the lake was made.",
        )
    if isinstance(error, _STORE) and _LOST_FILE.search(str(error)):
        return WarehouseError(
            f"a file of the lake is missing: {cause}",
            todo="Put it back from a backup, or correct BILLING_LAKE_DATA. If it is lost, load the raw "
            "reports into a new lake: run --replay.",
        )
    if isinstance(error, _STORE):
        return WarehouseError(
            f"the lake's files in {data_path} cannot be read or written: {cause}",
            todo="Check BILLING_LAKE_DATA, rights, free space, and for S3 the keys and BILLING_S3_ENDPOINT; "
            "the lake is as it was.",
        )
    if isinstance(error, (duckdb.OperationalError, duckdb.FatalException)):
        return WarehouseError(
            f"the lake could not be read or changed: {cause}",
            todo="The lake is as it was: mend the cause (disk, memory) and run again.",
        )
    return None
