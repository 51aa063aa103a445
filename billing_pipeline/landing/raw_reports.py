"""`raw/<period>/<report id>/`: each format of a report as received, and a manifest that vouches for them.

The manifest is written last: a folder without one is not a raw report. With it, the folder is never
changed again, and it is enough to rebuild the warehouse with the network off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import AwareDatetime, Field, ValidationError

from billing_pipeline.errors import RawReportError
from billing_pipeline.identifiers import api_id
from billing_pipeline.landing.atomic import explained, remove_partial_files, whole_file
from billing_pipeline.landing.requests import ApiId, Record, load_requests
from billing_pipeline.periods import BillingPeriod

MANIFEST = "manifest.json"
_AGAIN = "Move the folder away and run the period again: the report is downloaded or ordered afresh."


class RawFile(Record):
    """One downloaded file.

    Args:
        report_format: `json_v2_0` or `csv_v2_0`.
        name: of the file in the report's folder.
        stored_report_id: its id in the API.
        size: bytes of the file, decoded.
        sha256: of the file, hexadecimal.
        received_bytes: bytes of the answer's body, mostly gzip.
        content_encoding: as the answer's header said.
        size_told, created_at: what the API said of the stored report.
    """

    report_format: str
    name: str = Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$")
    stored_report_id: ApiId
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    received_bytes: int = Field(ge=0)
    content_encoding: str | None = None
    size_told: int | None = None
    created_at: AwareDatetime | None = None


class Manifest(Record):
    """Where a raw report came from, and what its files must be. Holds nothing secret.

    `order` is the body of POST /reports as sent.
    """

    schema_version: Literal[1] = 1
    period: str
    report_id: ApiId
    api_base_url: str
    order: dict[str, Any]
    origin: Literal["created", "adopted"]
    generation_date: date | None = None
    requested_at: AwareDatetime
    ready_at: AwareDatetime
    downloaded_at: AwareDatetime
    waited_seconds: float
    files: tuple[RawFile, ...]


@dataclass(frozen=True, slots=True)
class RawReport:
    """A verified raw report.

    Args:
        folder: where it lies.
        manifest: what is known of it.
    """

    folder: Path
    manifest: Manifest

    @property
    def report_id(self) -> str:
        """The report's id."""
        return self.manifest.report_id

    def file(self, report_format: str) -> RawFile:
        """The file of a format.

        Raises:
            RawReportError: the report was not ordered in that format.
        """
        for file in self.manifest.files:
            if file.report_format == report_format:
                return file
        raise RawReportError(
            f"the raw report has no {report_format} file",
            todo="Run the period again, so that both formats are ordered.",
            period=self.manifest.period,
            report_id=self.report_id,
        )

    def path(self, report_format: str) -> Path:
        """The path of a format's file."""
        return self.folder / self.file(report_format).name


def raw_folder(data_dir: Path, period: BillingPeriod, report_id: str) -> Path:
    """`<data>/raw/<period>/<report id>`."""
    return data_dir / "raw" / period.key / api_id(report_id)


def raw_name(report_format: str) -> str:
    """The name of a format's file: `json_v2_0.json`, `csv_v2_0.csv`."""
    return f"{report_format}.{report_format.split('_', 1)[0]}"


@contextmanager
def raw_file(folder: Path, report_format: str) -> Iterator[BinaryIO]:
    """A file to download into; it appears under its name when the block ends without an error."""
    with whole_file(folder / raw_name(report_format)) as file:
        yield file


def seal(folder: Path, manifest: Manifest) -> RawReport:
    """Write the manifest: from now on the folder is a raw report.

    Raises:
        RawReportError: it cannot be written, or there is one already.
    """
    path = folder / MANIFEST
    if path.exists():
        raise RawReportError(
            f"{path} exists already, and a raw report is never changed",
            todo=_AGAIN,
            period=manifest.period,
            report_id=manifest.report_id,
        )
    with whole_file(path) as file:
        file.write(manifest.model_dump_json(indent=2, exclude_none=True).encode() + b"\n")
    return RawReport(folder, manifest)


def clear_unsealed(folder: Path) -> None:
    """Remove what a killed download left. Only for the holder of the period's lock."""
    if (folder / MANIFEST).exists():
        return
    remove_partial_files(folder)


def find_raw_report(data_dir: Path, period: BillingPeriod, report_id: str) -> RawReport | None:
    """The raw report of this id, verified; None if it was not downloaded whole.

    Raises:
        RawReportError: a file is missing, or is not what the manifest says.
    """
    folder = raw_folder(data_dir, period, report_id)
    with explained(folder):
        if not (folder / MANIFEST).exists():
            return None
        return verified(folder, period)


def verified(folder: Path, period: BillingPeriod) -> RawReport:
    """Read the manifest, and compare each file's size and SHA-256 with it.

    Raises:
        RawReportError: they differ, or the manifest is damaged.
    """

    def wrong(what: str) -> RawReportError:
        return RawReportError(what, todo=_AGAIN, period=period.key, report_id=folder.name)

    path = folder / MANIFEST
    with explained(path):
        try:
            manifest = Manifest.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise wrong(f"{path} is damaged: {error.errors()[0]['msg']}") from error
        if manifest.period != period.key or manifest.report_id != folder.name:
            raise wrong(f"{path} is about period {manifest.period}, report {manifest.report_id}")
        for file in manifest.files:
            raw = folder / file.name
            if not raw.is_file():
                raise wrong(f"{raw} is missing")
            size = raw.stat().st_size
            if size != file.size:
                raise wrong(f"{raw} has {size} bytes, its manifest says {file.size}")
            with raw.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
                    raise wrong(f"{raw} has changed: its SHA-256 is not the manifest's")
    return RawReport(folder, manifest)


def latest_raw_report(data_dir: Path, period: BillingPeriod) -> RawReport:
    """The raw report requested last whose content was not refused, verified; needs no network.

    Which one was requested last, the period's requests say: the clock may have been set back between two.
    Only a report that they do not list (any more) is compared with theirs by its time.

    Raises:
        RawReportError: there is none, or it is damaged.
    """
    requests = load_requests(data_dir, period)
    refused = requests.refused_report_ids()
    folder = data_dir / "raw" / period.key
    with explained(folder):
        sealed = [path.parent for path in folder.glob(f"*/{MANIFEST}")]
    candidates = [each for each in sealed if each.name not in refused]
    if not candidates:
        told = f"; refused was {', '.join(sorted(refused))}" if sealed else ""
        raise RawReportError(
            f"there is no raw report to load below {folder}{told}",
            todo=f"Download it first: billing-pipeline run --period {period}.",
            period=period.key,
        )
    names = {each.name for each in candidates}
    earlier = [report.report_id for report in requests.reports if report.report_id in names][:-1]
    newest = max(
        (each for each in candidates if each.name not in earlier),
        key=lambda each: (_requested_at(each, period), each.name),
    )
    return verified(newest, period)


def _requested_at(folder: Path, period: BillingPeriod) -> str:
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (ValidationError, OSError):
        # Take it for the newest: whether it is damaged must be said, not passed over.
        return "9"
    return manifest.requested_at.astimezone(UTC).isoformat() if manifest.period == period.key else "9"
