"""DuckDB's errors: bad content refuses the report; anything else is a defect, and requests nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from billing_pipeline.errors import ReportRefusedError, WarehouseError
from billing_pipeline.loading.replace import replace_period
from billing_pipeline.warehouse import Warehouse
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, Report, attempt, load, query, row

pytestmark = pytest.mark.duckdb

LARGEST = 10**22 - 1


@dataclass
class Selecting(Report):
    """A report that is read by a SELECT of one's choice."""

    select: str = ""

    def selects(self) -> Iterator[str]:
        yield self.select


def replace(warehouse: Warehouse, report: Report) -> None:
    replace_period(warehouse, report, attempt(report, number=2), cross_check_mode="off")


def still_there(warehouse: Warehouse) -> bool:
    return query(warehouse, "SELECT absolute_total::INTEGER AS n FROM usage") == [{"n": 1}]


@pytest.mark.parametrize("measure", ["absolute", "delta", "effective"])
def test_load__largest_measures__sum_exactly(warehouse: Warehouse, measure: str) -> None:
    huge: list[dict[str, Any]] = [
        row(offering_item=item, measurement_unit="bytes", **{f"{measure}_production": LARGEST})
        for item in ("storage", "dr_storage", "local_storage")
    ]

    loaded = load(warehouse, huge)

    assert loaded.control_totals is not None
    assert loaded.control_totals.sums["bytes"][f"{measure}_production"] == 3 * LARGEST
    assert query(warehouse, "SELECT count(*) AS n FROM billable_usage") == [{"n": 3}]


def test_load__largest_measures_of_wrong_total__is_refused_by_row(warehouse: Warehouse) -> None:
    load(warehouse, [row(absolute_production=1)])
    columns = row(absolute_production=LARGEST, absolute_trial=0)

    with pytest.raises(
        ReportRefusedError, match="totals: absolute: 1 rows, the first is row 1: workstations"
    ):
        load(warehouse, [{**columns, "absolute_trial": LARGEST, "absolute_total": LARGEST}], number=2)

    assert still_there(warehouse)


@pytest.mark.parametrize(
    "content",
    [
        "SELECT error('row 1: tenant.id is missing') AS usage_date",
        "SELECT 'no day'::DATE AS usage_date",
        "SELECT 300::VARCHAR::TINYINT AS report_row",
        "SELECT NULL::DATE AS usage_date",
        "SELECT '{'::JSON AS extra",
    ],
)
def test_load__bad_content__is_refused(warehouse: Warehouse, content: str) -> None:
    load(warehouse, [row(absolute_production=1)])

    with pytest.raises(ReportRefusedError, match="bad row"):
        replace(warehouse, Selecting([], SEPTEMBER, select=content))

    assert still_there(warehouse)


@pytest.mark.parametrize(
    "statement", ["SELECT nonsense", "SELECT", "FROM nowhere", "SELECT 1 AS no_such_column"]
)
def test_load__bad_statement__is_a_defect(warehouse: Warehouse, statement: str) -> None:
    load(warehouse, [row(absolute_production=1)])

    with pytest.raises(WarehouseError, match=r"defect: please report it.*No further report is needed"):
        replace(warehouse, Selecting([], SEPTEMBER, select=statement))

    assert still_there(warehouse)


@pytest.mark.parametrize("kind", [duckdb.InternalException, duckdb.TransactionException])
def test_load__duckdb_assertion__is_a_defect(warehouse: Warehouse, kind: type[duckdb.Error]) -> None:
    class Breaking(Report):
        def selects(self) -> Iterator[str]:
            raise kind("INTERNAL Error: attempted to access index 0")

    with pytest.raises(WarehouseError, match="attempted to access index 0"):
        replace(warehouse, Breaking([row()]))
