"""Acronis' tutorial for a billing report runs unchanged against the sandbox."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from billing_pipeline_tests.faults.sandbox import FaultySandbox

TUTORIAL = Path(__file__).with_name("tutorial.py")
MEASURES = [
    (measure, part)
    for measure in ("absolute", "delta", "effective")
    for part in ("production", "trial", "total")
]


def run_tutorial(sandbox: FaultySandbox, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, str(TUTORIAL)),
            *(sandbox.base_url, sandbox.client_id, sandbox.client_secret, str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_tutorial__run_as_a_script__creates_and_downloads_both_formats(
    sandbox: FaultySandbox, tmp_path: Path
) -> None:
    done = run_tutorial(sandbox, tmp_path)

    assert done.returncode == 0, done.stderr
    created = json.loads(done.stdout)
    assert created["result_action"] == "save"
    assert created["version"] == 1
    assert created["generation_date"]
    assert created["parameters"]["formats"] == ["csv_v2_0", "json_v2_0"]
    assert created["parameters"]["period"] == {"start": "2017-05-01", "end": "2017-05-07"}
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        in_csv = list(csv.DictReader(file))
    in_json = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    rows = list(rows_of(in_json["tenants"]))
    assert len(rows) == len(in_csv) > 0
    assert "sku" in in_csv[0]
    assert Counter(csv_key(row) for row in in_csv) == Counter(json_key(row) for row in rows)
    assert sandbox.reports_created == 1


def test_tutorial__report_refused__fails(sandbox: FaultySandbox, tmp_path: Path) -> None:
    sandbox.set_faults({"route": "create_report", "fault": {"type": "answer", "status": 403, "error": "no"}})

    assert run_tutorial(sandbox, tmp_path).returncode != 0


def rows_of(elements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of either layout: an element is a row, or shares its fields with a list of rows."""
    rows = []
    for element in elements:
        inner = next((value for value in element.values() if isinstance(value, list)), None)
        rows += [element | row for row in inner] if inner is not None else [element]
    return rows


def json_key(row: dict[str, Any]) -> tuple[str, ...]:
    figures = (str(row["usage"][measure][part]) for measure, part in MEASURES)
    return (row["tenant"]["id"], row["name"], row.get("sku") or "", *figures)


def csv_key(row: dict[str, str]) -> tuple[str, ...]:
    figures = (row[f"usage.{measure}.{part}"] for measure, part in MEASURES)
    return (row["tenant.id"], row["name"], row["sku"], *figures)
