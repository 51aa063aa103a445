"""Loading prices: killed at any moment, denied, and into a warehouse of before there were prices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from billing_pipeline.charges import check_prices, load_prices
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.charges.books import Books, gib, price
from billing_pipeline_tests.charges.loader import write_files
from billing_pipeline_tests.harness.processes import as_nobody
from billing_pipeline_tests.warehouse.reports import query


def numbers(warehouse: WarehouseFile) -> list[dict[str, object]]:
    return query(
        warehouse,
        "SELECT count(*)::INT AS rows, min(number)::INT AS least, max(number)::INT AS most"
        " FROM (SELECT unit_price AS number FROM price UNION ALL SELECT minimum FROM customer_terms)",
    )


@pytest.mark.kill
def test_prices_load__killed_at_any_moment__old_or_new_prices(tmp_path: Path) -> None:
    warehouse = WarehouseFile(tmp_path)
    value = 0
    for trial in range(8):
        loader = subprocess.Popen(
            [sys.executable, "-m", "billing_pipeline_tests.charges.loader", str(tmp_path), str(value + 1)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert loader.stdout is not None
        loader.stdout.readline()
        time.sleep(0.023 * trial)
        loader.send_signal(signal.SIGKILL)
        printed = [int(line) for line in loader.communicate()[0].split()]
        last_printed = max([value + 1, *printed])

        (found,) = numbers(warehouse)

        assert found["rows"] == 6
        assert found["least"] == found["most"]
        assert found["most"] in (last_printed, last_printed + 1)
        value = int(str(found["most"]))
        (loads,) = query(warehouse, "SELECT count(*) AS rows FROM price_load WHERE outcome = 'loaded'")
        assert loads["rows"] == 3 * value
    write_files(tmp_path / "prices", 10_000)
    load_prices(warehouse, tmp_path / "prices")
    assert numbers(warehouse) == [{"rows": 6, "least": 10_000, "most": 10_000}]


@pytest.mark.skipif(os.getuid() != 0, reason="gives up root's rights")
def test_prices_check__file_not_readable__is_named(tmp_path: Path) -> None:
    write_files(tmp_path / "prices", 1)
    (tmp_path / "prices" / "buy.csv").chmod(0)

    def details() -> str:
        try:
            return str(check_prices(WarehouseFile(tmp_path), tmp_path / "prices"))
        except Exception as error:  # noqa: BLE001 - the details are asserted
            return str(getattr(error, "details", error))

    assert as_nobody(tmp_path, details) == "('buy.csv: cannot be read: Permission denied',)"


def test_prices_check__another_loader_at_work__does_not_wait(books: Books) -> None:
    books.usage(gib("2"))
    books.write_prices(price("PGSTRG", "0.07"))
    published = books.warehouse.path.stat().st_ino

    with FileLock(books.data_dir / "warehouse.lock"):
        books.prices("check")

    assert books.warehouse.path.stat().st_ino == published
    assert books.ask("SELECT count(*) FROM price") == [(0,)]


def test_prices_load__warehouse_without_prices__is_upgraded(books: Books) -> None:
    books.usage(gib("2"))
    books.warehouse.path.chmod(0o600)
    with duckdb.connect(str(books.warehouse.path)) as connection:
        for (view,) in connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall():
            connection.execute(f"DROP VIEW {view}")
        for table in ("price", "customer_terms", "price_load", "invoice_line", "iso_currency"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE schema_version SET fingerprint = 'before'")
    books.write_prices(price("PGSTRG", "3"))

    books.prices("check")
    books.prices("load")

    assert [int(amount) for (amount,) in books.charges("amount")] == [6]
