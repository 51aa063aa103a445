"""Translates errors of DuckDB and libpq about a lake into errors that say what to do."""

import re
from collections.abc import Iterable

import duckdb
import psycopg2
from pydantic import SecretStr

from billing_pipeline.errors import WarehouseError, first_line

# libpq's part of DuckDB's message, after the connection string.
_LIBPQ = re.compile(
    r"(?:connection to server|could not translate|invalid connection option|invalid \w+ value|missing \"=\")"
    r".*",
    re.DOTALL,
)
_UNUSABLE = (
    rf'{_LIBPQ.pattern}|password authentication failed|no password supplied|no pg_hba.conf entry|role "'
    '|database "[^"]*" does not exist|Connection refused|timeout expired|timed out|No route'
    "|server closed the connection|terminating connection|connection already closed"
    "|the database system is"
)
_ANY = (duckdb.Error, psycopg2.Error)
_STORE = (duckdb.IOException, duckdb.HTTPException, duckdb.PermissionException)
# Error types, pattern in the text, what happened ({0} is the pattern's group), what to do. First match wins.
_EXPLANATIONS: tuple[tuple[tuple[type[Exception], ...], str, str, str], ...] = (
    (
        (duckdb.TransactionException,),
        "conflict|maximum retry count|could not serialize|duplicate key",
        "another program changed the lake at the same time: {cause}",
        "Nothing was changed. Run again, and keep other programs from writing to the lake.",
    ),
    (
        _ANY,
        "permission denied for",
        "{catalogue} does not let the warehouse's user do this: {cause}",
        "Name the lake's owner in BILLING_WAREHOUSE, or grant this user more (docs/lake.md).",
    ),
    (
        _ANY,
        _UNUSABLE,
        "{catalogue} cannot be used: {cause}",
        (
            "See whether PostgreSQL runs and has this database (createdb), and check user and password "
            "(BILLING_WAREHOUSE, PGPASSWORD, passfile); the lake holds either the old state or the complete "
            "new one."
        ),
    ),
    (
        _ANY,
        'does not match existing data path in the catalog "([^"]*)"',
        "the lake keeps its files in {0}, and BILLING_LAKE_DATA says {data_path}",
        "Set BILLING_LAKE_DATA as it was when the lake was made.",
    ),
    (
        _STORE,
        r"\.parquet.*(?:No such file|404)",
        "a file of the lake is missing: {cause}",
        (
            "Put it back from a backup, or correct BILLING_LAKE_DATA. If it is lost, load the raw reports "
            "into a new lake: run --replay."
        ),
    ),
    (
        _STORE,
        "",
        "the lake's files in {data_path} cannot be read or written: {cause}",
        (
            "Check BILLING_LAKE_DATA, permissions, free space, and for S3 the keys and BILLING_S3_ENDPOINT; "
            "the lake is as it was."
        ),
    ),
    (
        (duckdb.OperationalError, duckdb.FatalException, psycopg2.Error),
        "",
        "the lake could not be read or changed: {cause}",
        "The lake is unchanged: fix the cause (disk, memory, PostgreSQL) and run again.",
    ),
)


def _cause(raw: str) -> str:
    """The cause in one line, without the connection string that DuckDB repeats before it."""
    if found := _LIBPQ.search(raw):
        return " ".join(found[0].split())
    _, sign, cause = raw.rpartition("ERROR:")  # PostgreSQL's, which DuckLake quotes last
    return first_line(cause if sign else raw)


def explain(
    error: duckdb.Error | psycopg2.Error,
    secrets: Iterable[SecretStr | None],
    catalogue: str,
    data_path: str,
) -> WarehouseError | None:
    """The error to raise instead; None for a defect, which propagates.

    Args:
        error: what DuckDB or libpq raised.
        secrets: passwords and keys, which the message must not show.
        catalogue: the database, for messages.
        data_path: where the Parquet files are.
    """
    cause = _cause(str(error))
    for secret in secrets:
        if secret:
            cause = cause.replace(secret.get_secret_value(), "***")
    for types, pattern, what, todo in _EXPLANATIONS:
        found = re.search(pattern, str(error), re.DOTALL)
        if found and isinstance(error, types):
            message = what.format(*found.groups(), cause=cause, catalogue=catalogue, data_path=data_path)
            return WarehouseError(message, todo=todo)
    return None
