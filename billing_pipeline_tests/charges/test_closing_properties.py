"""Invoice lines after any sequence of loads, price changes, closings and reopenings, against a reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_pipeline.charges import close_period, load_prices, reopen_period
from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.loading.replace import replace_rows
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse.history import LoadAttempt, record
from billing_pipeline.warehouse.schema import create_schema
from billing_pipeline_tests.charges.books import (
    AUGUST,
    A,
    B,
    price,
    terms,
    write_csv,
)
from billing_pipeline_tests.warehouse.reports import (
    SEPTEMBER,
    Report,
    attempt,
    points,
    query,
    storage,
)

pytestmark = [pytest.mark.slow, pytest.mark.duckdb]

# Few months, so that actions often concern the same one.
MONTHS = (AUGUST, SEPTEMBER)
CENT = Decimal("0.01")
LINES = "FROM invoice_line WHERE voided_at IS NULL"


class Usage(NamedTuple):
    """A row of a report: bytes of storage, or seconds of compute points."""

    tenant_id: str
    sku: str
    amount: int

    @property
    def quantity(self) -> Decimal:
        if self.sku == "CMPTPNTS":
            return (Decimal(self.amount) / 3600).quantize(CENT, ROUND_HALF_UP)
        return (Decimal(self.amount) / 2**30).quantize(Decimal("1e-10"), ROUND_HALF_UP)

    @property
    def row(self) -> dict[str, Any]:
        if self.sku == "CMPTPNTS":
            return points(tenant_id=self.tenant_id, delta_production=self.amount)
        return storage(tenant_id=self.tenant_id, sku=self.sku, absolute_production=self.amount)


class Prices(NamedTuple):
    """One tier or two for each SKU; terms of customer A."""

    tiers: Mapping[str, list[tuple[int, Decimal]]]
    discount: Decimal
    minimum: Decimal

    def charge(self, usage: Iterable[Usage]) -> Counter[str]:
        """What each customer owes, in cents."""
        owed: Counter[str] = Counter()
        billed: dict[tuple[str, str], Decimal] = {}
        for used in usage:
            key = (used.tenant_id, used.sku)
            billed[key] = billed.get(key, Decimal(0)) + used.quantity
        for (tenant, sku), exact in billed.items():
            rest = exact.quantize(CENT, ROUND_HALF_UP)
            # From the highest tier down: each takes what lies above it.
            for beginning, unit_price in reversed(self.tiers.get(sku, [])):
                part = rest if beginning == 0 else max(rest - beginning, Decimal(0))
                rest -= part
                net = unit_price * (100 - self.discount if tenant == A else 100) / 100
                owed[tenant] += cents(part * net)
        if self.tiers and self.minimum > 0 and owed[A] < cents(self.minimum):
            owed[A] = cents(self.minimum)
        return Counter({tenant: amount for tenant, amount in owed.items() if amount})


def cents(exact: Decimal) -> int:
    return int(exact.quantize(CENT, ROUND_HALF_UP) * 100)


Result = TypeVar("Result")


class MemoryWarehouse:
    """A warehouse without a file, so that a thousand changes take seconds."""

    location = "memory"

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:")
        self._connection.execute("SET TimeZone = 'UTC'")
        create_schema(self._connection)

    def exists(self) -> bool:
        return True

    def connect(self) -> duckdb.DuckDBPyConnection:
        return self._connection.cursor()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        yield self._connection

    def change(self, work: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        self._connection.execute("BEGIN")
        try:
            result = work(self._connection)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result

    def record_failure(self, attempt: LoadAttempt) -> None:
        self.change(lambda connection: record(connection, attempt))

    def execute_read_only(
        self, connection: duckdb.DuckDBPyConnection, query: str
    ) -> duckdb.DuckDBPyConnection:
        return connection.execute(query)

    def clear(self) -> None:
        for table in ("usage", "load_history", "month_totals", "price", "customer_terms", "price_load"):
            self._connection.execute(f"DELETE FROM {table}")
        self._connection.execute("DELETE FROM invoice_line; DELETE FROM period_closing")


WAREHOUSE = MemoryWarehouse()


@dataclass
class Model:
    """A warehouse, and what it should hold."""

    folder: Path
    prices: Prices
    usage: dict[BillingPeriod, list[Usage]] = field(default_factory=dict)
    closed: set[BillingPeriod] = field(default_factory=set)
    lines: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.warehouse = WAREHOUSE
        self.warehouse.clear()
        self.change_prices(self.prices)

    def load(self, month: BillingPeriod, usage: list[Usage]) -> None:
        """Replace a month's rows; the checks of a load are tested elsewhere."""
        report = Report([used.row for used in usage], month)
        loaded = attempt(report, outcome="loaded", forced=True)

        def replace(connection: duckdb.DuckDBPyConnection) -> None:
            replace_rows(connection, report, loaded, datetime.now(UTC))
            record(connection, loaded)

        self.warehouse.change(replace)
        self.usage[month] = usage

    def change_prices(self, prices: Prices) -> None:
        folder = self.folder / "prices"
        folder.mkdir(exist_ok=True)
        units = {"CMPTPNTS": "compute points", "ACRCLST": "GiB"}
        rows = [
            price(sku, str(unit_price), str(beginning), unit=units[sku])
            for sku, tiers in prices.tiers.items()
            for beginning, unit_price in tiers
        ]
        write_csv(folder / "sell.csv", rows)
        agreed = terms(A, discount_percent=str(prices.discount), minimum=str(prices.minimum))
        write_csv(folder / "customers.csv", [agreed])
        load_prices(self.warehouse, folder, forced=True)
        self.prices = prices

    def close(self, month: BillingPeriod) -> None:
        if month in self.usage.keys() - self.closed:
            close_period(self.warehouse, month, forced=True)
            self.closed.add(month)
            assert self.invoiced(LINES) == self.charged()
        else:
            with pytest.raises(BillingPipelineError):
                close_period(self.warehouse, month, forced=True)

    def reopen(self, month: BillingPeriod, *, void: bool) -> None:
        if month in self.closed:
            try:
                reopen_period(self.warehouse, month, void=void)
                self.closed.remove(month)
            except BillingPipelineError as error:
                assert void
                assert "was closed later" in str(error)  # noqa: PT017

    def close_again(self, month: BillingPeriod) -> None:
        self.close(month)
        if month in self.closed:
            frozen = []
            for _ in range(2):  # the first time with what has changed since the month was closed
                reopen_period(self.warehouse, month)
                close_period(self.warehouse, month, forced=True)
                frozen.append(self.frozen())
            assert frozen[0] == frozen[1]

    def charged(self) -> dict[BillingPeriod, Counter[str]]:
        """What the customers owe for each closed month."""
        return {month: self.prices.charge(self.usage[month]) for month in self.closed}

    def invoiced(self, lines: str) -> dict[BillingPeriod, Counter[str]]:
        """The sum of lines by closed month and customer."""
        found: dict[BillingPeriod, Counter[str]] = {month: Counter() for month in self.closed}
        for total in query(
            self.warehouse,
            "SELECT charge_period, tenant_id::VARCHAR AS tenant, sum(amount) AS amount"
            f" FROM ({lines}) GROUP BY ALL",
        ):
            month = BillingPeriod.containing(total["charge_period"])
            if total["amount"] and month in self.closed:
                found[month][total["tenant"]] = cents(total["amount"])
        return found

    def frozen(self) -> list[tuple[Any, ...]]:
        lines = query(self.warehouse, "SELECT * EXCLUDE (voided_at) FROM invoice_line ORDER BY ALL")
        return [tuple(line.values()) for line in lines]

    def check(self) -> None:
        """What always holds of frozen lines."""
        for line in query(self.warehouse, "FROM invoice_line"):
            exact = line["quantity"] * line["unit_price"]
            assert line["amount"] == exact.quantize(CENT, ROUND_HALF_UP)
        lines = self.frozen()
        assert not Counter(self.lines) - Counter(lines), "a frozen line has changed"
        self.lines = lines


a_month = st.sampled_from(MONTHS)
a_price = st.integers(0, 3_000_000).map(lambda millionths: Decimal(millionths).scaleb(-6))
some_tiers = st.builds(
    lambda first, rest: [(0, first), *sorted(rest.items())],
    a_price,
    st.dictionaries(st.integers(1, 20), a_price, max_size=2),
)
some_prices = st.builds(
    Prices,
    st.fixed_dictionaries({"CMPTPNTS": some_tiers}, optional={"ACRCLST": some_tiers}),
    st.integers(0, 10_000).map(lambda hundredths: Decimal(hundredths).scaleb(-2)),
    st.integers(0, 3_000).map(lambda hundredths: Decimal(hundredths).scaleb(-2)),
)
# Quantities below 40, so that they fall on both sides of the tiers; compute points may shrink.
some_usage = st.lists(
    st.one_of(
        st.builds(Usage, st.sampled_from([A, B]), st.just("CMPTPNTS"), st.integers(-40_000, 144_000)),
        st.builds(Usage, st.sampled_from([A, B]), st.just("ACRCLST"), st.integers(0, 40 * 2**30)),
    ),
    max_size=4,
    unique_by=lambda used: (used.tenant_id, used.sku),
)
an_action = st.one_of(
    st.tuples(st.just(Model.load), a_month, some_usage),
    st.tuples(st.just(Model.change_prices), some_prices),
    st.tuples(st.just(Model.close), a_month),
    st.tuples(st.just(Model.close_again), a_month),
    st.tuples(st.just(lambda model, month: model.reopen(month, void=False)), a_month),
    st.tuples(st.just(lambda model, month: model.reopen(month, void=True)), a_month),
)


@settings(max_examples=12)
@given(some_prices, some_usage, st.lists(an_action, min_size=2, max_size=8))
def test_invoice_lines__any_sequence__sum_equals_charges(
    prices: Prices, usage: list[Usage], actions: list[tuple[Any, ...]]
) -> None:
    with TemporaryDirectory() as folder:
        model = Model(Path(folder), prices)
        for month in MONTHS:
            model.load(month, usage)
        for action, *arguments in actions:
            action(model, *arguments)
            model.check()
        assert model.invoiced(f"{LINES} UNION ALL BY NAME FROM correction_due") == model.charged()
        # What changed after the last closing is corrected by the next one.
        model.reopen(SEPTEMBER, void=False)
        for month in MONTHS:
            model.close(month)
        model.check()
        assert model.closed == set(MONTHS)
        assert query(model.warehouse, "FROM correction_due") == []
