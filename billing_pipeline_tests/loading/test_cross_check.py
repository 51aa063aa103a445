"""The cross-check: any difference between the two files is named, and stops the load."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing_pipeline.errors import ReportRefusedError, WarehouseError
from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.loading.cross_check import cross_check
from billing_pipeline.loading.replace import replace_period, replace_rows
from billing_pipeline.reports import MEASURES
from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline.warehouse.check_results import CheckResult
from billing_pipeline_tests.warehouse.reports import (
    OTHER_CUSTOMER,
    STORAGE_2,
    Report,
    attempt,
    load,
    points,
    query,
    row,
    storage,
)

pytestmark = pytest.mark.duckdb

ROWS = [
    row(absolute_production=18, delta_production=3, quota=20),
    row(offering_item="servers", sku=None, absolute_production=2),
    storage(absolute_production=268435456000, delta_production=12884901888),
    storage(infra_id=STORAGE_2, absolute_production=10**21),
    points(delta_production=40123, absolute_production=1234567),
    row(tenant_id=OTHER_CUSTOMER, tenant_name="NA", absolute_trial=7, price="0.125", total_cost="0.875"),
]


def with_change(number: int, **columns: Any) -> list[dict[str, Any]]:
    return [{**columns_, **columns} if n == number else columns_ for n, columns_ in enumerate(ROWS)]


def test_cross_check__equal_rows_in_another_order__passes(warehouse: Warehouse) -> None:
    loaded = load(warehouse, ROWS, witness=ROWS[::-1], mode="stop")

    (check,) = [check for check in loaded.checks if check.check_name == "cross_check"]
    assert check.passed
    assert check.detail == "6 rows are the same"


NOT_IN_CSV, NOT_IN_JSON = "is not in csv_v2_0", "is not in json_v2_0"
ANOTHER = row(offering_item="vms", absolute_production=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("doctored", "message"),
    [
        (
            with_change(0, absolute_production=19),
            (
                r"row 1 of json_v2_0: workstations of tenant 30000000-\S+ \(Bäckerei Müller, GmbH\):"
                " absolute_production 18.000000, in csv_v2_0 19.000000"
            ),
        ),
        (with_change(3, absolute_trial=1), "row 4 .*: storage .*: absolute_trial 0.000000, in csv_v2_0 1"),
        (
            with_change(4, delta_total=40122),
            "row 5 .*: compute_points .*: delta_total 40123.000000, in csv_v2_0 40122",
        ),
        (
            with_change(0, sku="X"),
            f"row 1 of json_v2_0: .* {NOT_IN_CSV}; row 1 of csv_v2_0: .* {NOT_IN_JSON}",
        ),
        (with_change(1, sku=""), f"row 2 of json_v2_0: servers .* {NOT_IN_CSV}"),
        (
            with_change(0, absolute_production=19, quota=21)[:-1] + with_change(5, tenant_name="B")[5:],
            "row 1 .*: absolute_production 18.000000, in csv_v2_0 19.000000[.] ",
        ),
        (ROWS[:-1], rf"json_v2_0 has 6 rows, csv_v2_0 has 5; row 6 of json_v2_0: .* \(NA\) {NOT_IN_CSV}"),
        ([*ROWS, ANOTHER], f"row 7 of csv_v2_0: vms .* {NOT_IN_JSON}"),
        ([*ROWS[:-1], ROWS[0]], rf"workstations of tenant 30000000\S+2 \(NA\) {NOT_IN_CSV}"),
        (
            [*ROWS[:-1], ROWS[0]],
            "row 1 of json_v2_0: workstations .* occurs more often in one file than in the other",
        ),
        (
            [*ROWS, ROWS[0], ROWS[0]],
            "csv_v2_0 has 8; row 1 of json_v2_0: [^;]* occurs more often in one file than in the other[.] ",
        ),
        ([], "json_v2_0 has 6 rows, csv_v2_0 has 0"),
    ],
)
def test_cross_check__csv_differs__stops_and_names_it(
    warehouse: Warehouse, doctored: list[dict[str, Any]], message: str
) -> None:
    load(warehouse, [row(absolute_production=1)])

    with pytest.raises(LoadStoppedError) as caught:
        load(warehouse, ROWS, witness=doctored, mode="stop", number=2)

    assert re.search(r"cross_check: .*" + message, str(caught.value))
    assert query(warehouse, "SELECT absolute_total FROM usage") == [{"absolute_total": 1}]


@pytest.mark.parametrize(
    ("doctored", "message"),
    [
        (with_change(5, tenant_name=None), "row 6 .*: tenant_name NA, in csv_v2_0 nothing"),
        (with_change(5, price="0.1250000001"), "row 6 .*: price 0.125000000000, in csv_v2_0 0.125000000100"),
        (with_change(0, quota=None), "row 1 .*: quota 20.000000, in csv_v2_0 nothing"),
        (with_change(3, customer_id="7"), "row 4 .*: customer_id nothing, in csv_v2_0 7"),
        (with_change(3, effective_trial=1), "row 4 .*: effective_trial 0.000000, in csv_v2_0 1.000000"),
        (with_change(3, effective_trial=None), "row 4 .*: effective_trial 0.000000, in csv_v2_0 nothing"),
    ],
)
def test_cross_check__detail_differs__warns_and_names_it(
    warehouse: Warehouse, doctored: list[dict[str, Any]], message: str
) -> None:
    loaded = load(warehouse, ROWS, witness=doctored, mode="stop")

    check = loaded.checks[1]
    assert (check.check_name, check.passed, check.severity) == ("cross_check", False, "warn")
    assert re.search(message, check.detail)
    assert query(warehouse, "SELECT count(*) AS found FROM usage") == [{"found": 6}]


def test_cross_check__mode_warn__loads_and_records(warehouse: Warehouse) -> None:
    loaded = load(warehouse, ROWS, witness=ROWS[1:], mode="warn")

    assert query(warehouse, "SELECT count(*) AS found FROM usage") == [{"found": 6}]
    (recorded,) = query(
        warehouse, "FROM latest_load_checks SELECT passed, severity, detail WHERE check_name = 'cross_check'"
    )
    assert (recorded["passed"], recorded["severity"]) == (False, "warn")
    assert "json_v2_0 has 6 rows, csv_v2_0 has 5" in recorded["detail"]
    assert loaded.outcome == "loaded"


def test_cross_check__mode_off__compares_nothing(warehouse: Warehouse) -> None:
    loaded = load(warehouse, ROWS, witness=ROWS[1:], mode="off")

    (check,) = [check for check in loaded.checks if check.check_name == "cross_check"]
    assert check.passed
    assert "switched off" in check.detail


def test_cross_check__no_csv__stops(warehouse: Warehouse) -> None:
    with pytest.raises(LoadStoppedError, match="cross_check: the raw report has no csv_v2_0 file"):
        load(warehouse, ROWS, mode="stop")


@pytest.mark.parametrize("mode", ["stop", "warn"])
def test_cross_check__unreadable_csv__is_a_difference(warehouse: Warehouse, mode: Any) -> None:
    class Unreadable(Report):
        def selects(self) -> Iterator[str]:
            return (select.replace("'18'", "'eighteen'") for select in super().selects())

    report = Report(ROWS)

    def loading(witness: Report | ReportRefusedError) -> Any:
        return replace_period(warehouse, report, attempt(report), witness=witness, cross_check_mode=mode)

    for witness in (Unreadable(ROWS), ReportRefusedError("bad header", todo="Look.")):
        if mode == "stop":
            with pytest.raises(LoadStoppedError, match="csv_v2_0 cannot be read: bad"):
                loading(witness)
        else:
            assert "csv_v2_0 cannot be read: bad" in loading(witness).checks[1].detail
            assert query(warehouse, "SELECT count(*) AS found FROM usage") == [{"found": 6}]


def test_cross_check__file_lost__blames_the_machine(warehouse: Warehouse) -> None:
    class Lost(Report):
        def selects(self) -> Iterator[str]:
            yield "SELECT * FROM read_csv('/nowhere/csv_v2_0.csv')"

    report = Report(ROWS)

    with pytest.raises(WarehouseError, match="could not be changed: IO Error"):
        replace_period(warehouse, report, attempt(report), witness=Lost(ROWS), cross_check_mode="stop")


@pytest.mark.slow
def test_cross_check__1000_differences__names_first_20(warehouse: Warehouse) -> None:
    rows = [row(offering_item=f"item {n}", absolute_production=n) for n in range(1000)]
    doctored = [row(offering_item=f"item {n}", absolute_production=n + 1) for n in range(1000)]

    with pytest.raises(LoadStoppedError) as caught:
        load(warehouse, rows, witness=doctored, mode="stop")

    (check,) = [check for check in caught.value.checks if check.stops]
    assert "row 1 of json_v2_0: item 0 " in check.detail
    assert check.findings[-1].finding == "2,000 rows have no match in the other file"
    assert len(str(caught.value)) < 1500


@pytest.mark.slow
def test_cross_check__reversed_csv__pairs_rows_by_key(warehouse: Warehouse) -> None:
    rows = [row(offering_item=f"item {n}", absolute_production=n) for n in range(2500)]
    doctored = [row(offering_item=f"item {n}", absolute_production=n + 1) for n in reversed(range(2500))]

    with pytest.raises(LoadStoppedError) as caught:
        load(warehouse, rows, witness=doctored, mode="stop")

    (check,) = [check for check in caught.value.checks if check.stops]
    *named, rest = (finding.finding for finding in check.findings)
    assert len(named) == 20
    for finding in named:
        found = re.search(r": item (\d+) .*: absolute_production (\d+).0+, in csv_v2_0 (\d+).0+; ", finding)
        assert found is not None, finding
        number = int(found[1])
        assert (int(found[2]), int(found[3])) == (number, number + 1)
    assert rest == "5,000 rows have no match in the other file"
    assert check.finding_rows == 5000


@st.composite
def _a_change(draw: st.DrawFn) -> tuple[int, str, Any]:
    number = draw(st.integers(0, len(ROWS) - 1))
    column = draw(
        st.sampled_from([*MEASURES, "sku", "edition", "tenant_name", "quota", "infra_name", "customer_id"])
    )
    old = ROWS[number].get(column)
    values: st.SearchStrategy[Any]
    if column in MEASURES:
        values = st.integers(-(10**22) + 1, 10**22 - 1) | st.sampled_from([int(old or 0) + 1, -int(old or 0)])
    elif column == "quota":
        values = st.decimals(0, 10**9, places=6) | st.none()
    else:
        character = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
        values = st.text(character, max_size=5) | st.none()

    def is_another(new: Any) -> bool:
        return not (new == old or (column == "quota" and new is not None and new == Decimal(old or -1)))

    return number, column, draw(values.filter(is_another))


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(_a_change())
def test_cross_check__any_single_value_changes__fails(change: tuple[int, str, Any]) -> None:
    number, column, value = change
    with tempfile.TemporaryDirectory() as folder:
        report = Report(ROWS)
        witness = Report(with_change(number, **{column: value}))

        def compare(connection: duckdb.DuckDBPyConnection) -> CheckResult:
            replace_rows(connection, report, attempt(report), datetime.now(UTC))
            return cross_check(connection, attempt(report), witness, "warn")

        check = WarehouseFile(Path(folder)).change(compare)

    assert check.check_name == "cross_check"
    assert not check.passed
    assert f"row {number + 1} of json_v2_0" in check.detail
