"""`raw/<period>/<report id>/`: each format of a report as received, and a manifest with their SHA-256.

The manifest is written last: a folder without one is not a raw report. With it, the folder is never
changed again, and it is enough to rebuild the warehouse with the network off.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, NoReturn

from pydantic import AwareDatetime, Field, ValidationError

from billing_pipeline.errors import RawReportError
from billing_pipeline.files import atomic_write, reporting_io_errors
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ApiId, Record, ReportParameters, api_id

MANIFEST = "manifest.json"
_AGAIN = "Move the folder away and run the period again: the report is downloaded or requested again."


class RawFile(Record):
    """One downloaded file.

    Args:
        size: bytes of the file, decoded.
        sha256: of the file, hexadecimal.
        received_bytes: bytes of the answer's body, mostly gzip.
        content_encoding: as the answer's header said.
        api_size, created_at: size and time of the stored report as the API stated them.
    """

    report_format: str
    name: str = Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$")
    stored_report_id: ApiId
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    received_bytes: int = Field(ge=0)
    content_encoding: str | None = None
    api_size: int | None = None
    created_at: AwareDatetime | None = None


class Manifest(Record):
    """Provenance of a raw report, and the checksums of its files. Contains no secrets.

    `parameters` are those of the request.
    """

    schema_version: Literal[1] = 1
    report_id: ApiId
    api_base_url: str
    parameters: ReportParameters
    origin: Literal["created", "adopted"]
    generation_date: date | None = None
    requested_at: AwareDatetime
    ready_at: AwareDatetime
    downloaded_at: AwareDatetime
    files: tuple[RawFile, ...]


@dataclass(frozen=True, slots=True)
class RawReport:
    """A verified raw report.

    Args:
        folder: that holds its files.
        manifest: its ids, request, times and files.
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
            RawReportError: the report was not requested in that format.
        """
        for file in self.manifest.files:
            if file.report_format == report_format:
                return file
        raise RawReportError(
            f"the raw report has no {report_format} file",
            todo="Run the period again, so that both formats are requested.",
            period=self.manifest.parameters.period.key,
            report_id=self.report_id,
        )

    def has(self, report_format: str) -> bool:
        """Whether the report was downloaded in a format."""
        return any(file.report_format == report_format for file in self.manifest.files)

    def path(self, report_format: str) -> Path:
        """The path of a format's file."""
        return self.folder / self.file(report_format).name


def raw_folder(data_dir: Path, period: BillingPeriod, report_id: str) -> Path:
    """`<data>/raw/<period>/<report id>`."""
    return data_dir / "raw" / period.key / api_id(report_id)


def raw_name(report_format: str) -> str:
    """The name of a format's file: `json_v2_0.json`, `csv_v2_0.csv`."""
    return f"{report_format}.{report_format.split('_', 1)[0]}"


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
            period=manifest.parameters.period.key,
            report_id=manifest.report_id,
        )
    with atomic_write(path) as file:
        file.write(manifest.model_dump_json(indent=2, exclude_none=True).encode() + b"\n")
    return RawReport(folder, manifest)


def is_sealed(data_dir: Path, period: BillingPeriod, report_id: str) -> bool:
    """Whether the report was downloaded completely; its files are not verified here.

    Raises:
        DataFolderError: the folder cannot be read.
    """
    path = raw_folder(data_dir, period, report_id) / MANIFEST
    with reporting_io_errors(path):
        return path.exists()


def verified(folder: Path, period: BillingPeriod) -> RawReport:
    """Read the manifest of a folder, and compare each file's size and SHA-256 with it.

    Raises:
        RawReportError: they differ, or the manifest is damaged.
    """

    def refuse(what: str) -> NoReturn:
        raise RawReportError(what, todo=_AGAIN, period=period.key, report_id=folder.name)

    path = folder / MANIFEST
    with reporting_io_errors(path):
        try:
            manifest = Manifest.model_validate_json(path.read_bytes())
        except ValidationError as error:
            refuse(f"{path} is damaged: {error.errors()[0]['msg']}")
        if manifest.parameters.period != period or manifest.report_id != folder.name:
            refuse(f"{path} is about period {manifest.parameters.period}, report {manifest.report_id}")
        for file in manifest.files:
            raw = folder / file.name
            if not raw.is_file():
                refuse(f"{raw} is missing")
            if (size := raw.stat().st_size) != file.size:
                refuse(f"{raw} has {size} bytes, its manifest says {file.size}")
            with raw.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
                    refuse(f"{raw} has changed: its SHA-256 is not the manifest's")
    return RawReport(folder, manifest)


def sealed_folders(data_dir: Path, period: BillingPeriod) -> dict[Path, datetime]:
    """The folders of a period's raw reports, and when each report was requested.

    A report with a wrong manifest gets the latest of all times.

    Raises:
        DataFolderError: a folder cannot be read.
    """
    parent, found = data_dir / "raw" / period.key, dict[Path, datetime]()
    with reporting_io_errors(parent):
        for path in parent.glob(f"*/{MANIFEST}"):
            found[path.parent] = datetime.max.replace(tzinfo=UTC)
            with suppress(ValidationError):
                manifest = Manifest.model_validate_json(path.read_bytes())
                if manifest.parameters.period == period:
                    found[path.parent] = manifest.requested_at
    return found
