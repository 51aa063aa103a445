"""Every fault in the content of a report: a report that cannot be trusted is not loaded, old rows stay."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.errors import (
    BillingPipelineError,
    DataFolderError,
    RawReportError,
    ReportRefusedError,
)
from billing_pipeline.landing import period_lock
from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.loading.cross_check import CrossCheckMode
from billing_pipeline.loading.load import load_period
from billing_pipeline.periods import SINGLE_ACCOUNT
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.faults.catalogue import outcomes
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.faults import PERIOD, FaultHarness

OUTCOMES = outcomes("loading")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose warehouse holds the period, from a report without faults."""
    data_dir = tmp_path_factory.mktemp("loaded")
    with FaultySandbox(tenants=1, ready_after_seconds=0) as sandbox:
        FaultHarness(sandbox, data_dir).run(timeout=30)
    load(data_dir)
    return data_dir


@pytest.mark.slow
@pytest.mark.parametrize("name", OUTCOMES)
def test_load_period__each_fault__outcome_of_the_catalogue(
    harness: FaultHarness, loaded: Path, name: str
) -> None:
    outcome = OUTCOMES[name]
    shutil.copytree(loaded, harness.data_dir)
    before = rows(harness.data_dir)
    harness.sandbox.set_faults(name)
    raw = harness.run()

    if outcome.error is None:
        load(harness.data_dir)
        assert rows(harness.data_dir) == before | {"report_id": raw.report_id}
        return
    with pytest.raises(BillingPipelineError) as error:
        load(harness.data_dir)
    assert type(error.value).__name__ == outcome.error, str(error.value)
    assert outcome.says in str(error.value)
    assert error.value.report_id == raw.report_id
    assert "\n" not in str(error.value)
    assert rows(harness.data_dir) == before

    again = harness.run_without_faults()

    assert again.report_id not in {raw.report_id, before["report_id"]}
    assert harness.sandbox.reports_created == 2


def test_load_period__unknown_layout__csv_loaded_and_keys_named(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("json_unknown_layout")
    raw = harness.run()

    load(harness.data_dir)

    with WarehouseFile(harness.data_dir).reading() as connection:
        checks = {
            name: (passed, severity, detail)
            for name, passed, severity, detail in connection.execute(
                "SELECT check_name, passed, severity, detail FROM latest_load_checks"
            ).fetchall()
        }
        source = connection.execute(
            "SELECT report_format, stored_report_id::VARCHAR, raw_bytes, raw_sha256, row_count"
            " FROM load_history"
        ).fetchall()
    file = raw.file("csv_v2_0")
    lines = len(raw.path("csv_v2_0").read_text(encoding="utf-8").splitlines()) - 1
    assert source == [("csv_v2_0", file.stored_report_id, file.size, file.sha256, lines)]
    passed, severity, detail = checks["json_layout"]
    assert (passed, severity) == (False, "warn")
    assert re.search(r"element \d+ of 'tenants' has usage in services", detail)
    assert "tenant.name, services. The rows are those of csv_v2_0. Please report" in detail
    assert checks["cross_check"] == (True, "warn", "only csv_v2_0 was read: see json_layout")
    assert checks["control_totals"][0]


def test_load_period__unknown_layout_without_csv__is_refused(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("json_unknown_layout", "csv_renamed_column")
    harness.run()

    with pytest.raises(
        ReportRefusedError, match=r"layout of 'tenants' is not known: .*; and csv_v2_0 cannot be"
    ):
        load(harness.data_dir)


@pytest.mark.parametrize("cross_check", ["off", "warn"])
def test_load_period__unknown_layout_and_bad_csv_row__nothing_loaded(
    harness: FaultHarness, cross_check: CrossCheckMode
) -> None:
    harness.sandbox.set_faults("json_unknown_layout", "csv_value")
    harness.run()

    with pytest.raises(LoadStoppedError, match="totals: absolute: 1 rows, the first is row 1"):
        load(harness.data_dir, cross_check)


def test_load_period__loaded_with_warning__kept_over_older_report(
    harness: FaultHarness, loaded: Path
) -> None:
    shutil.copytree(loaded, harness.data_dir)
    harness.sandbox.set_faults("csv_value")
    raw = harness.run()
    load(harness.data_dir, cross_check="warn")

    with pytest.raises(LoadStoppedError, match="cross_check"):
        load(harness.data_dir)
    load(harness.data_dir, cross_check="warn")

    assert rows(harness.data_dir)["report_id"] == raw.report_id


def test_load_period__work_folder_impossible__report_not_blamed(loaded: Path, tmp_path: Path) -> None:
    data_dir = shutil.copytree(loaded, tmp_path / "data")
    shutil.rmtree(data_dir / "work", ignore_errors=True)
    (data_dir / "work").touch()

    with pytest.raises(
        DataFolderError, match=r"work\S* cannot be written or read: .*\. Free some disk space"
    ):
        load(data_dir)


def test_load_period__manifest_without_parameters__refused_as_damaged(loaded: Path, tmp_path: Path) -> None:
    data_dir = shutil.copytree(loaded, tmp_path / "data")
    (manifest,) = (data_dir / "raw" / PERIOD.key).glob("*/manifest.json")
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.chmod(0o600)
    manifest.write_text(json.dumps(content | {"parameters": {}}), encoding="utf-8")

    with pytest.raises(RawReportError, match=r"manifest\.json is damaged: Field required"):
        load(data_dir)


def test_load_period__newer_download_meanwhile__newer_one_loaded(loaded: Path, tmp_path: Path) -> None:
    data_dir = shutil.copytree(loaded, tmp_path / "data")
    (raw,) = (data_dir / "raw" / PERIOD.key).iterdir()
    newer = raw.with_name("99999999-9999-4999-8999-999999999999")

    with ThreadPoolExecutor(1) as pool:
        with period_lock(data_dir, PERIOD):
            loading = pool.submit(load, data_dir)
            with pytest.raises(TimeoutError):
                loading.result(timeout=1)
            shutil.copytree(raw, newer)
            manifest = newer / "manifest.json"
            content = json.loads(manifest.read_text(encoding="utf-8"))
            later = {"report_id": newer.name, "requested_at": "2099-01-01T00:00:00Z"}
            manifest.chmod(0o600)
            manifest.write_text(json.dumps(content | later), encoding="utf-8")
        loading.result(timeout=60)

    assert rows(data_dir)["report_id"] == newer.name


def test_load_period__csv_cannot_be_opened__report_not_blamed(
    loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = Path(shutil.copytree(loaded, tmp_path / "data"))
    open_file = Path.open

    def fail_to_open_as_csv(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.suffix == ".csv" and options.get("newline") == "":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return open_file(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", fail_to_open_as_csv)

    with pytest.raises(DataFolderError, match=r"csv_v2_0\.csv cannot be .*Input/output error"):
        load(data_dir)


def load(data_dir: Path, cross_check: CrossCheckMode = "stop") -> None:
    warehouse = WarehouseFile(data_dir)
    load_period(data_dir, warehouse, PERIOD, account=SINGLE_ACCOUNT, run_id="test", cross_check=cross_check)


def rows(data_dir: Path) -> dict[str, Any]:
    """What the warehouse holds of the period, so that a difference shows."""
    with WarehouseFile(data_dir).reading() as connection:
        count, total, points, report_id = connection.execute(
            "SELECT count(*), sum(absolute_total), sum(dr_compute_points_total), max(report_id::VARCHAR)"
            " FROM usage WHERE billing_period = ?",
            [PERIOD.start],
        ).fetchall()[0]
    assert count > 0
    return {"count": count, "total": total, "points": points, "report_id": report_id}
