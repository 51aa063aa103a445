"""The samples in `data/` are what the sandbox writes, and show what their guide promises."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from billing_pipeline_tests.sandbox.samples import write_samples

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"


def test_write_samples__same_seed__bytes_of_the_samples(tmp_path: Path) -> None:
    for fresh in write_samples(tmp_path):
        assert fresh.read_bytes() == (SAMPLES / fresh.name).read_bytes()


def test_samples__json__have_the_cases_of_the_data_readme() -> None:
    rows = json.loads((SAMPLES / "json_v2_0.json").read_text(encoding="utf-8"))["tenants"]
    assert len(rows) == 153
    assert {row.get("sku", "missing") or repr(row["sku"]) for row in rows} >= {"missing", "None", "''"}
    seconds = [row["usage"]["delta"]["total"] for row in rows if row["measurement_unit"] == "seconds"]
    assert any(value % 36 == 18 for value in seconds)
    assert any(value % 36 not in {0, 18} for value in seconds)
    assert any(row["usage"]["delta"]["total"] < 0 for row in rows)
    assert {row["tenant"]["kind"] for row in rows} == {"customer", "partner"}


def test_samples__usage_current_csv__documented_columns() -> None:
    with (SAMPLES / "csv_v2_0_usage_current.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert len(rows[0]) == 29
    assert {row["is_range"] for row in rows} == {"True", "False"}
