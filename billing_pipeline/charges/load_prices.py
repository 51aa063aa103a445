"""Loading the price files: all of them in one transaction, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import duckdb

from billing_pipeline.charges.csv_file import CsvFile
from billing_pipeline.charges.price_files import hash_price_files, read_price_files
from billing_pipeline.charges.price_state import currency_conflicts, last_load
from billing_pipeline.errors import PricesRefusedError
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse.warehouse import Warehouse

# By name, without suffix.
_Files = Mapping[str, CsvFile]

_UNCHANGED = "The prices that were loaded before stay in force."


@dataclass(frozen=True, slots=True)
class PriceLoad:
    """What was loaded, or would be.

    Args:
        rows: number of rows by file name.
        warnings: what may be a mistake, and customers with prices in two currencies; one line each.
        changed_months: closed months that cost something else now, which `forced` allowed, one line each.
        is_new: False if the same files were loaded last, so that nothing was done.
    """

    rows: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    changed_months: tuple[str, ...] = ()
    is_new: bool = True


def load_prices(warehouse: Warehouse, folder: Path, *, forced: bool = False) -> PriceLoad:
    """Replace the prices and terms by those of the price files, and record the attempt in `price_load`.

    Args:
        folder: holds sell.csv and, optionally, buy.csv and customers.csv.
        forced: also if closed months cost something else then. The difference is invoiced with the next month
            that is closed.

    Raises:
        PricesRefusedError: a file has errors, or would change what a closed month costs.
        WarehouseError: the warehouse cannot be changed.
    """
    files = _read(folder)

    def load(connection: duckdb.DuckDBPyConnection) -> PriceLoad:
        nonlocal files
        if hash_price_files(folder) != _hashes(files):  # edited while this load waited for another change
            files = _read(folder)
            _refuse_errors(files)
        done = _replace(connection, files, forced=forced)
        _record(connection, files, "loaded", forced=forced)
        return done

    try:
        _refuse_errors(files)
        return _loaded_before(warehouse, files) or warehouse.change(load)
    except PricesRefusedError as error:
        refused = partial(_record, files=files, outcome="refused", forced=forced, reason=error.what)
        warehouse.change(refused)
        raise


def check_prices(warehouse: Warehouse, folder: Path) -> PriceLoad:
    """Find out what `load_prices` would do.

    Raises:
        PricesRefusedError: a file has errors, or would change what a closed month costs.
        WarehouseError: the warehouse cannot be read.
    """
    files = _read(folder)
    _refuse_errors(files)
    if not warehouse.exists():
        return PriceLoad(_row_counts(files))
    with warehouse.reading() as connection:
        try:
            # Statements and views read these in place of the tables of the same names.
            for table in ("price", "customer_terms"):
                connection.execute(f"CREATE TEMPORARY TABLE {table} AS FROM {table}")
        except duckdb.CatalogException:  # the warehouse was published before it had prices
            return PriceLoad(_row_counts(files))
        return _replace(connection, files, forced=False)


def _read(folder: Path) -> _Files:
    if not (folder / "sell.csv").exists():
        raise PricesRefusedError(
            f"there is no price file {folder / 'sell.csv'}",
            todo="Make one: `billing-pipeline prices template --period YYYY-MM` prints one to fill in.",
        )
    return read_price_files(folder)


def _refuse_errors(files: _Files) -> None:
    if errors := [line for file in files.values() for line in file.error_lines()]:
        number = "an error" if len(errors) == 1 else f"{len(errors):,} errors"
        raise PricesRefusedError(
            f"the price files have {number}, so nothing was loaded",
            todo=f"Correct the files and run it again. {_UNCHANGED}",
            details=errors,
        )


def _loaded_before(warehouse: Warehouse, files: _Files) -> PriceLoad | None:
    """The last load, if it was of the same files."""
    if not warehouse.exists():
        return None
    with warehouse.reading() as connection:
        if {file.file: file.sha256 for file in last_load(connection)} != _hashes(files):
            return None
        return PriceLoad(_row_counts(files), tuple(_name_warnings(connection)), is_new=False)


def _hashes(files: _Files) -> dict[str, str | None]:
    return {file.name: file.sha256 for file in files.values()}


def _row_counts(files: _Files) -> dict[str, int]:
    return {file.name: len(file.rows) for file in files.values()}


def _replace(connection: duckdb.DuckDBPyConnection, files: _Files, *, forced: bool) -> PriceLoad:
    """Replace the tables, unless that changes what a closed month costs."""
    connection.execute(read_sql("charges/queries/stage.sql"))
    for name, file in files.items():
        rows = {"rows": [row | {"file_row": str(number)} for number, row in file.rows.items()]}
        insert, side = ("insert_terms", {}) if name == "customers" else ("insert_prices", {"side": name})
        if file.rows:
            connection.execute(read_sql(f"charges/queries/{insert}.sql"), rows | side)
    affected = connection.execute(read_sql("charges/queries/affected_months.sql")).fetchall()
    closed = [month for month, is_closed in affected if is_closed]
    before = {month: _charged(connection, month, "charged_lines") for month in closed}
    connection.execute(read_sql("charges/queries/publish.sql"))
    changed = [
        f"{month:%Y-%m} is closed, and would cost {_difference(before[month], now)}"
        for month in closed
        # A change that restores what is frozen invoices nothing.
        if (now := _charged(connection, month, "charged_lines")).digest
        not in {before[month].digest, _charged(connection, month, "frozen_lines").digest}
    ]
    conflicts = {month: currency_conflicts(connection, month) for month, _ in affected}
    if stopped := [line for month in closed for line in conflicts[month]]:
        raise PricesRefusedError(
            "a closed month would have no charges, because an invoice has one currency",
            todo=f"Correct the currencies. {_UNCHANGED}",
            details=stopped,
        )
    if changed and not forced:
        raise PricesRefusedError(
            "the price files change what closed months cost, so nothing was loaded",
            todo="Let the new prices begin after these months (valid_from), or load them with --force, which "
            f"is recorded: the difference is invoiced with the next month that is closed. {_UNCHANGED}",
            details=changed,
        )
    warnings = [*_name_warnings(connection), *(line for lines in conflicts.values() for line in lines)]
    if not files["sell"].rows:
        warnings.append("sell.csv has no prices, so nothing is charged")
    return PriceLoad(_row_counts(files), tuple(warnings), tuple(changed))


class _Charged(NamedTuple):
    """What a month costs: a digest of the lines, and their total in words."""

    digest: str
    total: str


def _charged(connection: duckdb.DuckDBPyConnection, month: date, lines: str) -> _Charged:
    statement = read_sql("charges/queries/charged.sql").format(lines=read_sql(f"charges/queries/{lines}.sql"))
    return _Charged(*(connection.execute(statement, {"month": month}).fetchone() or ("", "")))


def _difference(before: _Charged, now: _Charged) -> str:
    if now.total == before.total:
        return f"{now.total} as before, but in other lines or of other customers"
    return f"{now.total} instead of {before.total}"


def _name_warnings(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(read_sql("charges/queries/price_warnings.sql")).fetchall()
    return [warning for (warning,) in rows]


def _record(
    connection: duckdb.DuckDBPyConnection,
    files: _Files,
    outcome: Literal["loaded", "refused"],
    *,
    forced: bool,
    reason: str | None = None,
) -> None:
    rows = [
        {
            "file": file.name,
            "sha256": file.sha256,
            "row_count": None if file.errors and not file.rows else str(len(file.rows)),
            "reason": "; ".join(file.error_lines()) or reason,
        }
        for file in files.values()
    ]
    connection.execute(
        read_sql("charges/queries/append_price_load.sql"),
        {"files": rows, "forced": forced, "outcome": outcome, "now": datetime.now(UTC)},
    )
