"""The reports of a running sandbox, and their files."""

import gzip
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.report_files import MACHINE_FORMATS, render_report
from billing_pipeline.sandbox.report_request import ReportRequest
from billing_pipeline.sandbox.windows import Window

VERSION = 1  # of every report: the sandbox changes none
_WAIT_SECONDS = 1.0  # seconds that a poll waits for the files, so that small reports are ready immediately
_FAST = 1  # gzip level: reports are repetitive, and time matters more than size


@dataclass(frozen=True, slots=True)
class StoredReport:
    """One format of a report; `size` is that of the compressed file in bytes, once it is written."""

    id: str
    report_format: str
    path: Path
    size: Future[int]


@dataclass(slots=True)
class CreatedReport:
    """A report that a client requested."""

    id: str
    request: ReportRequest
    created_at: datetime
    started: float  # monotonic seconds
    stored: list[StoredReport]
    deleted: bool = False

    def answer(self) -> dict[str, Any]:
        """The report as POST /reports and GET /reports/{id} give it."""
        generation_date = self.request.generation_date or self.created_at.date()
        return self.request.model_dump(mode="json") | {
            "generation_date": generation_date.isoformat(),
            "id": self.id,
            "version": VERSION,
        }

    def find(self, stored_id: str) -> StoredReport | None:
        """A stored report; None if it does not exist or is not ready to download."""
        return next((each for each in self.stored if each.id == stored_id and each.size.done()), None)


class Reports:
    """The reports, and their files, which are written in the background, one after the other.

    Args:
        ready_after_seconds: from the request until the stored reports are saved, if they are written by then.

    Attributes:
        created: the reports by their ids, in the order of their creation, deleted ones included.
        now: the clock, in aware UTC times; it does not count for readiness.
        json_layout: as for `render_report`.
    """

    json_layout = "flat"

    def __init__(self, distributor: Distributor, ready_after_seconds: float) -> None:
        self.distributor = distributor
        self.ready_after_seconds = ready_after_seconds
        self.now: Callable[[], datetime] = partial(datetime.now, UTC)
        self.created: dict[str, CreatedReport] = {}
        self._folder = TemporaryDirectory(prefix="billing-pipeline-sandbox-")
        self._writer = ThreadPoolExecutor(1)

    def close(self) -> None:
        """Remove the files."""
        self._writer.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def create(self, request: ReportRequest) -> CreatedReport:
        """Create a report and begin to write its files."""
        created_at, started = self.now(), time.monotonic()
        stored = []
        for report_format in dict.fromkeys(request.parameters.formats):
            stored_id = str(uuid.uuid4())
            path = Path(self._folder.name, stored_id)
            size = self._writer.submit(self._write, path, report_format, request, created_at)
            stored.append(StoredReport(stored_id, report_format, path, size))
        report = CreatedReport(str(uuid.uuid4()), request, created_at, started, stored)
        self.created[report.id] = report
        return report

    def get(self, report_id: str) -> CreatedReport | None:
        """The report; None if it does not exist or was deleted."""
        report = self.created.get(report_id)
        return None if report is None or report.deleted else report

    def poll(self, report: CreatedReport) -> list[dict[str, Any]]:
        """The `items` of GET /reports/{id}/stored: empty, then in progress, then saved."""
        age = time.monotonic() - report.started
        if report.request.result_action != "save" or age < self.ready_after_seconds / 4:
            return []
        sizes = [stored.size for stored in report.stored]
        saved = age >= self.ready_after_seconds and not wait(sizes, _WAIT_SECONDS).not_done
        # The API may leave out the id of a stored report until it is saved; the sandbox does.
        return [
            {
                "created_at": report.created_at.isoformat(timespec="seconds"),
                "report_format": stored.report_format,
                "size": stored.size.result() if saved else 0,
                "status": "saved" if saved else "in_progress",
                **({"id": stored.id} if saved else {}),
            }
            for stored in report.stored
        ]

    def _write(self, path: Path, report_format: str, request: ReportRequest, created_at: datetime) -> int:
        """Write a file and return its size.

        `usage_current` is as of yesterday, whatever the period that was requested.
        """
        selection = request.parameters
        if selection.kind == "usage_current":
            yesterday = created_at.astimezone(UTC).date() - timedelta(days=1)
            selection = selection.model_copy(update={"period": Window.of_month_until(yesterday)})
        with gzip.open(path, "wb", _FAST) as file:
            if report_format in MACHINE_FORMATS:
                file.writelines(
                    render_report(report_format, self.distributor, selection, created_at, self.json_layout)
                )
            else:
                file.write(f"The sandbox does not render {report_format}.\n".encode())
        return path.stat().st_size
