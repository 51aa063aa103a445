"""The state of a running sandbox: the access tokens it issued and the reports it created."""

from __future__ import annotations

import gzip
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.report_files import MACHINE_FORMATS, ReportOptions, write_report
from billing_pipeline.sandbox.report_request import ReportRequest

Clock = Callable[[], datetime]
_WAIT_SECONDS = 1.0  # how long a poll waits for the files, so that small reports are ready at once
_FAST = 1  # gzip level: reports are repetitive, and time matters more than size


@dataclass
class StoredReport:
    """One format of a report."""

    id: str
    report_format: str
    path: Path
    size: int = 0  # bytes, before compression


@dataclass
class CreatedReport:
    """A report that a client requested; `number` is 1 for the first one."""

    id: str
    version: int
    request: ReportRequest
    created_at: datetime
    started: float  # monotonic seconds
    stored: list[StoredReport]
    written: threading.Event = field(default_factory=threading.Event)
    number: int = 0
    polls: int = 0  # of its stored reports
    deleted: bool = False

    def answer(self) -> dict[str, Any]:
        """The report as POST /reports and GET /reports/{id} give it."""
        return {
            "generation_date": self.created_at.date().isoformat(),
            "id": self.id,
            "parameters": self.request.parameters,
            "recipients": self.request.recipients,
            "result_action": self.request.result_action,
            "schedule": self.request.schedule,
            "version": self.version,
        }


class Tokens:
    """Access tokens and when they expire.

    Args:
        now: the clock, in aware UTC times.
        lifetime_seconds: validity of a token.
    """

    def __init__(self, now: Clock, lifetime_seconds: int) -> None:
        self._now = now
        self._lifetime = lifetime_seconds
        self._expiry: dict[str, float] = {}

    def issue(self) -> tuple[str, int]:
        """A new token and the UNIX second in which it expires."""
        token = f"eyJzYW5kYm94Ijp0cnVlfQ.{secrets.token_urlsafe(48)}"
        expires_on = int(self._now().timestamp()) + self._lifetime
        self._expiry[token] = expires_on
        return token, expires_on

    def is_valid(self, token: str) -> bool:
        """True if the token was issued here and has not expired."""
        return self._expiry.get(token, 0) > self._now().timestamp()


class Reports:
    """The reports, and their files, which are written in the background.

    Args:
        distributor: whose tenants are reported.
        folder: where the files go; the caller removes it.
        now: the clock, in aware UTC times.
        ready_after_seconds: from the request until the stored reports are saved, if they are written by then.
        empty_polls, in_progress_polls: as for `Sandbox`.
        json_layout: as in `ReportOptions`.
    """

    def __init__(
        self,
        distributor: Distributor,
        folder: Path,
        now: Clock,
        *,
        ready_after_seconds: float,
        empty_polls: int,
        in_progress_polls: int,
        json_layout: str,
    ) -> None:
        self._distributor = distributor
        self._folder = folder
        self._now = now
        self._ready_after = ready_after_seconds
        self._empty_polls = empty_polls
        self._in_progress_polls = in_progress_polls
        self._json_layout = json_layout
        self._reports: dict[str, CreatedReport] = {}
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()

    @property
    def created(self) -> int:
        """Number of reports created so far, deleted ones included."""
        return len(self._reports)

    def create(self, request: ReportRequest) -> CreatedReport:
        """Create a report and begin to write its files."""
        identity = str(uuid.uuid4())
        stored = [
            StoredReport(str(uuid.uuid4()), name, self._folder / f"{identity}.{name}.gz")
            for name in request.formats
        ]
        report = CreatedReport(identity, 1, request, self._now(), time.monotonic(), stored)
        with self._lock:
            self._reports[identity] = report
            report.number = len(self._reports)
        threading.Thread(target=self._write, args=(report,), daemon=True).start()
        return report

    def get(self, report_id: str) -> CreatedReport | None:
        """The report; None if it does not exist or was deleted."""
        report = self._reports.get(report_id)
        return None if report is None or report.deleted else report

    def of_tenant(self, tenant_id: str) -> list[str]:
        """The ids of the tenant's reports, in the order of their creation."""
        with self._lock:
            reports = list(self._reports.values())
        return [r.id for r in reports if r.request.selection.tenant_id == tenant_id and not r.deleted]

    def poll(self, report: CreatedReport) -> list[dict[str, Any]]:
        """The `items` of GET /reports/{id}/stored: empty, then in progress, then saved."""
        with self._lock:
            report.polls += 1
            polls = report.polls
        if report.request.result_action != "save":
            return []
        age = time.monotonic() - report.started
        if polls <= self._empty_polls or age < self._ready_after / 4:
            return []
        pending = polls <= self._empty_polls + self._in_progress_polls or age < self._ready_after
        if pending or not report.written.wait(_WAIT_SECONDS):
            # The API may leave out the id of a stored report until it is saved; the sandbox does.
            return [self._item(report, stored, "in_progress") for stored in report.stored]
        return [self._item(report, stored, "saved") | {"id": stored.id} for stored in report.stored]

    def stored(self, report: CreatedReport, stored_id: str) -> StoredReport | None:
        """A stored report; None if it does not exist or is not ready to download."""
        found = next((stored for stored in report.stored if stored.id == stored_id), None)
        return found if found and report.written.is_set() else None

    @staticmethod
    def _item(report: CreatedReport, stored: StoredReport, status: str) -> dict[str, Any]:
        return {
            "created_at": report.created_at.isoformat(timespec="seconds"),
            "report_format": stored.report_format,
            "size": stored.size if status == "saved" else 0,
            "status": status,
        }

    def _write(self, report: CreatedReport) -> None:
        options = ReportOptions(report.created_at, report.request.show_skus, self._json_layout)
        with self._one_at_a_time, ExitStack() as stack:
            files = {
                stored.report_format: stack.enter_context(gzip.open(stored.path, "wb", _FAST))
                for stored in report.stored
            }
            machine_readable = {name: file for name, file in files.items() if name in MACHINE_FORMATS}
            write_report(machine_readable, self._distributor, report.request.selection, options)
            for stored in report.stored:
                if stored.report_format not in MACHINE_FORMATS:
                    note = f"The sandbox does not render {stored.report_format}.\n"
                    files[stored.report_format].write(note.encode())
                stored.size = files[stored.report_format].tell()
        report.written.set()
