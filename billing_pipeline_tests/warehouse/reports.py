"""Reports for tests of the warehouse: literal rows, read by the engine like those of a raw report."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import localcontext
from functools import cache
from typing import Any
from uuid import UUID

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.loading.cross_check import CrossCheckMode
from billing_pipeline.loading.replace import replace_period, replace_rows
from billing_pipeline.loading.restatement import record_restatement
from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod
from billing_pipeline.reports import MEASURES, ControlTotals
from billing_pipeline.sql_files import quote_literal
from billing_pipeline.warehouse import LoadAttempt, Warehouse, WarehouseFile
from billing_pipeline.warehouse.history import record
from billing_pipeline.warehouse.schema import replace_month_totals

ROOT = "10000000-0000-4000-8000-000000000000"
OTHER_ROOT = "10000000-0000-4000-8000-000000000009"
PARTNER = "20000000-0000-4000-8000-000000000001"
CUSTOMER = "30000000-0000-4000-8000-000000000001"
OTHER_CUSTOMER = "30000000-0000-4000-8000-000000000002"
ACRONIS = "8beef6be-c136-4ef6-a900-0e74c703ddcc"
BACKUP = "6e6d758d-8e74-3ae3-ac84-50eb0dff12eb"
STORAGE_1, STORAGE_2, OWN_STORAGE = (f"40000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))

SEPTEMBER = BillingPeriod(2026, 9)

_TYPES = {
    "usage_date": "DATE", "tenant_id": "UUID", "tenant_name": "VARCHAR", "tenant_kind": "VARCHAR",
    "customer_id": "VARCHAR", "application_id": "UUID", "application_name": "VARCHAR",
    "offering_item": "VARCHAR", "edition": "VARCHAR", "sku": "VARCHAR", "billing_model": "VARCHAR",
    "storage_type": "VARCHAR", "pricing_tier_id": "VARCHAR", "measurement_unit": "VARCHAR",
    "is_range": "BOOLEAN", "infra_id": "UUID", "infra_name": "VARCHAR", "infra_backend_type": "VARCHAR",
    "infra_owner_id": "UUID", "quota": "DECIMAL(38, 6)", "pricing_mode": "VARCHAR",
    "pricing_currency": "VARCHAR", "price": "DECIMAL(38, 12)", "total_cost": "DECIMAL(38, 12)",
    **dict.fromkeys(MEASURES, "DECIMAL(28, 6)"),
    "dr_compute_points_production": "DECIMAL(18, 2)", "dr_compute_points_trial": "DECIMAL(18, 2)",
    "dr_compute_points_total": "DECIMAL(18, 2)", "extra": "JSON", "report_row": "INTEGER",
}  # fmt: skip


def row(**columns: Any) -> dict[str, Any]:
    """A usage row: by default workstations of a customer; totals are production plus trial."""
    values: dict[str, Any] = {
        "usage_date": None, "tenant_id": CUSTOMER, "tenant_name": "Bäckerei Müller, GmbH",
        "tenant_kind": "customer", "application_id": BACKUP, "application_name": "backup",
        "offering_item": "workstations", "edition": "standard", "sku": "STWRKSTTNS",
        "measurement_unit": "quantity", "is_range": False, "pricing_mode": "production",
    }  # fmt: skip
    for measure in ("absolute", "delta", "effective"):
        for part in ("production", "trial"):
            values[f"{measure}_{part}"] = columns.get(f"{measure}_{part}", 0)
        values[f"{measure}_total"] = values[f"{measure}_production"] + values[f"{measure}_trial"]
    values |= columns
    if values["measurement_unit"] == "seconds":
        for part in ("production", "trial", "total"):
            hundredths = (
                (abs(values[f"delta_{part}"]) + 18) // 36 * (1 if values[f"delta_{part}"] >= 0 else -1)
            )
            values.setdefault(f"dr_compute_points_{part}", f"{hundredths}e-2")
    return values


def storage(**columns: Any) -> dict[str, Any]:
    """A row of cloud storage on Acronis' infrastructure."""
    where = {"infra_id": STORAGE_1, "infra_name": "fes-eu3-baas.acronis.com", "infra_owner_id": ACRONIS}
    return row(
        **{"offering_item": "storage", "measurement_unit": "bytes", "sku": "ACRCLST", **where, **columns}
    )


def points(**columns: Any) -> dict[str, Any]:
    """A row of compute points, in seconds."""
    return row(
        **{
            "offering_item": "compute_points",
            "measurement_unit": "seconds",
            "is_range": True,
            "sku": "CMPTPNTS",
            **columns,
        }
    )


def own(**columns: Any) -> dict[str, Any]:
    """A row of the report's own tenant, whose figures total those of all below it."""
    return row(**{"tenant_id": ROOT, "tenant_kind": "partner", "tenant_name": "Alpenland", **columns})


def own_points(seconds: int) -> dict[str, Any]:
    """The report's own tenant's compute points."""
    return points(tenant_id=ROOT, tenant_kind="partner", delta_production=seconds)


@dataclass
class Report:
    """Usage rows that a loader can read."""

    rows: list[dict[str, Any]]
    period: BillingPeriod = SEPTEMBER
    totals: ControlTotals | None = None
    covers: tuple[date, date] | None = None

    @property
    def period_start(self) -> date:
        return self.covers[0] if self.covers else self.period.start

    @property
    def period_end(self) -> date:
        return self.covers[1] if self.covers else self.period.end

    def selects(self) -> Iterator[str]:
        typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in _TYPES.items())
        nothing = f"({', '.join('NULL' for _ in _TYPES)})"
        lines = ", ".join(self._values(number, columns) for number, columns in enumerate(self.rows, 1))
        yield (
            f"SELECT {typed} FROM (VALUES {lines or nothing}) AS written ({', '.join(_TYPES)})"
            f" WHERE {bool(self.rows)}"
        )

    def _values(self, number: int, columns: Mapping[str, Any]) -> str:
        given = {"report_row": number, **columns}
        given["usage_date"] = given.get("usage_date") or self.period.end
        return f"({', '.join(_literal(given.get(name)) for name in _TYPES)})"

    def control_totals(self) -> ControlTotals:
        if self.totals is not None:
            return self.totals
        sums: dict[str, Counter[str]] = defaultdict(Counter)
        with localcontext(prec=60):
            for columns in self.rows:
                sums[columns["measurement_unit"]].update({name: columns[name] or 0 for name in MEASURES})
        return ControlTotals(
            len(self.rows), {unit: {name: sums[unit][name] for name in MEASURES} for unit in sums}
        )

    def refusal(self, error: duckdb.Error) -> ReportRefusedError:
        return ReportRefusedError(f"bad row: {error}", todo="Look at it.")


def _literal(value: Any) -> str:
    """The value in SQL; a text is spelled in hexadecimal unless it is harmless to the parser."""
    if value is None:
        return "NULL"
    text = str(value)
    return f"'{text}'" if text.isascii() and text.isprintable() and "'" not in text else _spelled(text)


def _spelled(text: str) -> str:
    return f"decode(unhex('{text.encode().hex()}'))"


def attempt(report: Report, **columns: Any) -> LoadAttempt:
    """A load of a report; `number` becomes its id."""
    number = columns.pop("number", 1)
    return LoadAttempt(
        **{
            "period": report.period,
            "account": SINGLE_ACCOUNT,
            "outcome": "failed",
            "root_tenant_id": ROOT,
            "report_id": str(UUID(int=number)),
            "stored_report_id": str(UUID(int=1000 + number)),
            "report_kind": "usage_summary",
            "report_level": "direct_partners",
            **columns,
        }
    )


def load(
    warehouse: Warehouse,
    rows: Iterable[Mapping[str, Any]],
    period: BillingPeriod = SEPTEMBER,
    *,
    witness: Iterable[Mapping[str, Any]] | None = None,
    mode: CrossCheckMode = "off",
    **columns: Any,
) -> LoadAttempt:
    """Load rows into a period, as the pipeline does."""
    report = Report([dict(columns) for columns in rows], period)
    other = Report([dict(columns) for columns in witness], period) if witness is not None else None
    return replace_period(warehouse, report, attempt(report, **columns), witness=other, cross_check_mode=mode)


def load_unchecked(
    warehouse: Warehouse,
    rows: Iterable[Mapping[str, Any]],
    period: BillingPeriod = SEPTEMBER,
    **columns: Any,
) -> None:
    """Load rows into a period without the checks of a load, which take most of its time."""
    report = Report([dict(columns) for columns in rows], period)
    totals = report.control_totals()
    loaded = attempt(report, outcome="loaded", control_totals=totals, load_seconds=0.0, **columns)

    def replace(connection: duckdb.DuckDBPyConnection) -> None:
        loaded_at = datetime.now(UTC)
        replace_rows(connection, report, loaded, loaded_at)
        restatement = record_restatement(connection, loaded, loaded_at)
        record(connection, dataclasses.replace(loaded, restatement=restatement))
        replace_month_totals(connection, loaded.scope)

    warehouse.change(replace)


def query(warehouse: Warehouse, statement: str) -> list[dict[str, Any]]:
    """Rows of the published warehouse, by name."""
    with _reading(warehouse) as connection:
        cursor = connection.execute(statement)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


@contextmanager
def _reading(warehouse: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection like that of `Warehouse.reading`, without the cost of another DuckDB."""
    if not isinstance(warehouse, WarehouseFile) or not warehouse.exists() or _has_pending(warehouse):
        with warehouse.reading() as connection:
            yield connection
        return
    engine = _engine()
    engine.execute(f"ATTACH {quote_literal(warehouse.path)} AS warehouse (READ_ONLY); USE warehouse")
    try:
        yield engine
    finally:
        engine.execute("USE memory; DETACH warehouse")


def _has_pending(warehouse: WarehouseFile) -> bool:
    """Whether attempts wait beside the file, which `Warehouse.reading` adds to its tables."""
    return any(warehouse.path.with_name("warehouse.attempts").glob("*.json"))


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    return connection
