"""`load_history`: every attempt to load a period, and the current state of each period.

The tables of the history are append-only: a period's last row is its current state, such as the last load or
closing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import duckdb

from billing_pipeline.errors import WarehouseError
from billing_pipeline.periods import AccountPeriod, BillingPeriod
from billing_pipeline.reports import ControlTotals, DeltaItems, exact_number
from billing_pipeline.sql_files import read_sql, rows_as_dicts
from billing_pipeline.warehouse.check_results import CheckResult, latest_checks
from billing_pipeline.warehouse.warehouse import Warehouse

_TIMES = {"load_history": "recorded_at", "load_checks": "checked_at", "period_closing": "acted_at"}


@dataclass(frozen=True, slots=True)
class Restatement:
    """How many keys of a period differ from what was published before."""

    changed: int = 0
    new: int = 0
    vanished: int = 0

    @property
    def keys(self) -> int:
        """All of them."""
        return self.changed + self.new + self.vanished

    def __str__(self) -> str:
        return f"{self.changed:,} changed, {self.new:,} new, {self.vanished:,} vanished"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadAttempt:
    """One attempt to load a period; the columns of `load_history`, without its time.

    Args:
        account: name of the API client in the settings.
        delta_items: which items of the load are billed by `delta`.
        forced: loaded even if the period was closed, or the report was unexpectedly empty.
        restatement: how it differs from the load before; None if there was none.
        checks: results of the load's checks; rows of `load_checks`.
    """

    period: BillingPeriod
    account: str
    outcome: Literal["loaded", "refused", "failed"]
    reason: str | None = None
    root_tenant_id: str | None = None
    report_id: str | None = None
    report_format: str | None = None
    stored_report_id: str | None = None
    requested_report_ids: tuple[str, ...] = ()
    stored_report_statuses: Mapping[str, str] = field(default_factory=dict)
    requested_at: datetime | None = None
    ready_at: datetime | None = None
    wait_seconds: float | None = None
    raw_bytes: int | None = None
    raw_sha256: str | None = None
    control_totals: ControlTotals | None = None
    load_seconds: float | None = None
    run_id: str | None = None
    report_kind: str | None = None
    report_level: str | None = None
    delta_items: DeltaItems | None = None
    forced: bool = False
    restatement: Restatement | None = None
    checks: tuple[CheckResult, ...] = ()

    @property
    def scope(self) -> dict[str, Any]:
        """SQL parameters that select its rows."""
        return {"billing_period": self.period.start, "account": self.account}


@dataclass(frozen=True, slots=True)
class LoadedPeriod:
    """An account's period in the warehouse: its last attempt, and its last load if there was one.

    Args:
        checks: of the last load that was checked, published or stopped.
    """

    last_outcome: str
    last_reason: str | None
    last_attempt_at: datetime
    report_id: str | None
    row_count: int | None
    control_totals: Mapping[str, Mapping[str, int | Decimal]] | None
    loaded_at: datetime | None
    restated_keys: int | None
    forced: bool | None
    closed_at: datetime | None
    checks: tuple[CheckResult, ...]


def append(
    connection: duckdb.DuckDBPyConnection,
    table: Literal["load_history", "load_checks", "period_closing"],
    period: BillingPeriod,
    rows: Sequence[Mapping[str, Any]],
    *,
    now: datetime | None = None,
) -> None:
    """Append rows of one period inside `Warehouse.change`, all with the same time.

    Args:
        rows: values by column; without the period and the time.
        now: default: the current time.
    """
    if rows:
        connection.execute(
            read_sql("warehouse/queries/append.sql").format(table=table, time=_TIMES[table]),
            {"rows": rows, "billing_period": period.start, "now": now or datetime.now(UTC)},
        )


def record(connection: duckdb.DuckDBPyConnection, attempt: LoadAttempt) -> None:
    """Write one attempt inside `Warehouse.change`."""
    for table, rows in history_rows(attempt).items():
        append(connection, table, attempt.period, rows)


def history_rows(
    attempt: LoadAttempt,
) -> dict[Literal["load_history", "load_checks"], list[dict[str, Any]]]:
    """An attempt as rows for `append`, by table."""
    row = asdict(attempt)
    for name in ("period", "restatement", "checks"):
        del row[name]
    totals, restatement = attempt.control_totals, attempt.restatement
    row |= {
        "stored_report_statuses": json.dumps(row["stored_report_statuses"]),
        "control_totals": json.dumps(totals.sums, default=str) if totals else None,
        "row_count": totals.rows if totals else None,
        "restated_keys": restatement.keys if restatement else None,
    }
    load = {
        "account": attempt.account,
        "report_id": attempt.report_id,
        "published": attempt.outcome == "loaded",
    }
    checks = [asdict(check) | load for check in attempt.checks]
    for check in checks:
        check["findings"] = json.dumps(check["findings"], ensure_ascii=False)
    return {"load_history": [row], "load_checks": checks}


def loaded_periods(warehouse: Warehouse) -> dict[AccountPeriod, LoadedPeriod]:
    """The state of each period and account that was ever attempted; empty while there is no warehouse."""
    if not warehouse.exists():
        return {}
    with warehouse.reading() as connection:
        rows = rows_as_dicts(connection.execute(read_sql("warehouse/queries/periods.sql")))
        checks = latest_checks(connection)
    found = {}
    for row in rows:
        key = AccountPeriod(BillingPeriod.containing(row.pop("billing_period")), row.pop("account"))
        if row["control_totals"]:
            row["control_totals"] = {
                unit: {name: exact_number(str(total)) for name, total in sums.items()}
                for unit, sums in json.loads(row["control_totals"]).items()
            }
        found[key] = LoadedPeriod(**row, checks=tuple(checks.get(key, ())))
    return found


def require_loaded(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> frozenset[str]:
    """The accounts whose usage of a period is loaded.

    Raises:
        WarehouseError: there are none.
    """
    accounts = connection.execute(
        "SELECT account FROM loaded_report WHERE billing_period = ?", [period.start]
    ).fetchall()
    if not accounts:
        raise WarehouseError(
            "the period is not loaded",
            todo=f"Load it first: billing-pipeline run --period {period}.",
            period=period.key,
        )
    return frozenset(account for (account,) in accounts)
