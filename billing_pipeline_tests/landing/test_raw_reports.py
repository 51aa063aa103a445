"""A raw report is what its manifest says, or it is refused."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from billing_pipeline.errors import RawReportError
from billing_pipeline.files import atomic_write
from billing_pipeline.landing import (
    Manifest,
    RawFile,
    RawReport,
    is_sealed,
    raw_folder,
    verified,
)
from billing_pipeline.landing.raw_reports import MANIFEST, raw_name, seal
from billing_pipeline.ordering.state import (
    Outcome,
    PeriodRequests,
    ReportRequest,
    RequestedReport,
    report_to_load,
    save_requests,
)
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.landing.folders import names

PERIOD = BillingPeriod(2026, 9)
PARAMETERS = ReportParameters(str(UUID(int=7)), PERIOD, "usage_summary", "direct_partners")
CONTENT = b'{"params": {}, "tenants": []}\n'
BEGIN = datetime(2026, 10, 2, 7, tzinfo=UTC)


def land(data_dir: Path, number: int, requested_at: datetime = BEGIN, content: bytes = CONTENT) -> RawReport:
    report_id = str(UUID(int=number))
    folder = raw_folder(data_dir, PERIOD, report_id)
    with atomic_write(folder / raw_name("json_v2_0")) as file:
        file.write(content)
    raw = RawFile(
        report_format="json_v2_0",
        name="json_v2_0.json",
        stored_report_id=str(UUID(int=99)),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        received_bytes=1,
    )
    manifest = Manifest(
        report_id=report_id,
        api_base_url="http://localhost",
        parameters=PARAMETERS,
        origin="created",
        requested_at=requested_at,
        ready_at=requested_at,
        downloaded_at=requested_at,
        files=(raw,),
    )
    return seal(folder, manifest)


def test_verified__sealed_folder__returns_the_report(tmp_path: Path) -> None:
    landed = land(tmp_path, 1)
    assert verified(landed.folder, PERIOD) == landed == report_to_load(tmp_path, PERIOD)
    assert landed.path("json_v2_0").read_bytes() == CONTENT
    assert names(landed.folder) == ["json_v2_0.json", MANIFEST]
    with pytest.raises(RawReportError, match="no csv_v2_0 file"):
        landed.path("csv_v2_0")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("longer", "has 31 bytes, its manifest says 30"),
        ("other", "SHA-256 is not the manifest's"),
        ("missing", "is missing"),
        ("manifest", "is damaged"),
        ("manifest of another", "is about period 2026-08"),
    ],
)
def test_report_to_load__file_or_manifest_changed__is_refused(
    tmp_path: Path, change: str, reason: str
) -> None:
    landed = land(tmp_path, 1)
    path, manifest = landed.path("json_v2_0"), landed.folder / MANIFEST
    match change:
        case "longer":
            path.write_bytes(CONTENT + b" ")
        case "other":
            path.write_bytes(CONTENT.replace(b"tenants", b"Tenants"))
        case "missing":
            path.unlink()
        case "manifest":
            manifest.write_bytes(manifest.read_bytes()[:-10])
        case _:
            manifest.write_bytes(manifest.read_bytes().replace(b"2026-09", b"2026-08"))
    with pytest.raises(RawReportError, match="Move the folder away") as error:
        report_to_load(tmp_path, PERIOD)
    assert reason in str(error.value)
    assert error.value.report_id == landed.report_id
    with pytest.raises(RawReportError, match="Move the folder away"):
        verified(landed.folder, PERIOD)


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "..", "sub/file", ""])
def test_report_to_load__manifest_names_outside_path__is_refused(tmp_path: Path, name: str) -> None:
    landed = land(tmp_path, 1)
    manifest = landed.folder / MANIFEST
    manifest.write_text(manifest.read_text().replace('"json_v2_0.json"', f'"{name}"'))
    with pytest.raises(RawReportError, match="damaged"):
        report_to_load(tmp_path, PERIOD)


def test_seal__sealed_folder__raises_and_changes_nothing(tmp_path: Path) -> None:
    landed = land(tmp_path, 1)
    before = {path.name: path.read_bytes() for path in landed.folder.iterdir()}
    with pytest.raises(RawReportError, match="never changed"):
        seal(landed.folder, landed.manifest)
    assert {path.name: path.read_bytes() for path in landed.folder.iterdir()} == before


def test_is_sealed__no_manifest__returns_false(tmp_path: Path) -> None:
    landed = land(tmp_path, 1)
    (landed.folder / MANIFEST).unlink()
    assert not is_sealed(tmp_path, PERIOD, landed.report_id)
    with pytest.raises(RawReportError, match="billing-pipeline run --period 2026-09"):
        report_to_load(tmp_path, PERIOD)


def test_report_to_load__no_state_file__takes_the_newest_manifest(tmp_path: Path) -> None:
    land(tmp_path, 3, BEGIN)
    newest = land(tmp_path, 1, BEGIN + timedelta(days=30))
    land(tmp_path, 2, BEGIN + timedelta(days=1))
    assert report_to_load(tmp_path, PERIOD) == newest


def test_report_to_load__clock_set_back__takes_the_last_request(tmp_path: Path) -> None:
    first = land(tmp_path, 3, BEGIN + timedelta(days=2))
    last = land(tmp_path, 1, BEGIN)
    request = requested(requested(None, first), last)
    save_requests(tmp_path, PERIOD, request)

    assert report_to_load(tmp_path, PERIOD) == last

    # One that was brought here from elsewhere is known by its time alone.
    brought = land(tmp_path, 2, BEGIN + timedelta(days=1))
    assert report_to_load(tmp_path, PERIOD) == brought
    land(tmp_path, 4, BEGIN - timedelta(days=1))
    assert report_to_load(tmp_path, PERIOD) == brought


def requested(before: PeriodRequests | None, raw: RawReport) -> PeriodRequests:
    """The state with another request, for this report."""
    at = raw.manifest.requested_at
    report = RequestedReport(report_id=raw.report_id, requested_at=at, origin="created")
    request = ReportRequest(
        parameters=PARAMETERS, api_base_url="http://localhost", opened_at=at, reports=[report]
    )
    requests = before or PeriodRequests(period="2026-09")
    requests.open(request)
    return requests


def test_report_to_load__newest_manifest_damaged__raises(tmp_path: Path) -> None:
    land(tmp_path, 1, BEGIN)
    newest = land(tmp_path, 2, BEGIN + timedelta(days=1))
    (newest.folder / MANIFEST).write_text("{")
    with pytest.raises(RawReportError, match="damaged"):
        report_to_load(tmp_path, PERIOD)


def test_report_to_load__newest_refused__takes_the_one_before(tmp_path: Path) -> None:
    good = land(tmp_path, 1, BEGIN)
    bad = land(tmp_path, 2, BEGIN + timedelta(days=1))
    report = RequestedReport(
        report_id=bad.report_id, requested_at=BEGIN, origin="created", outcome=Outcome.REFUSED, reason="NaN"
    )
    request = ReportRequest(
        parameters=PARAMETERS, api_base_url="http://localhost", opened_at=BEGIN, reports=[report]
    )
    save_requests(tmp_path, PERIOD, PeriodRequests(period="2026-09", requests=[request]))
    assert report_to_load(tmp_path, PERIOD) == good
    (good.folder / MANIFEST).unlink()
    with pytest.raises(RawReportError, match=f"refused: {bad.report_id}"):
        report_to_load(tmp_path, PERIOD)
