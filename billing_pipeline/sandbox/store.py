"""Tokens and reports of a running sandbox: what the server remembers between two requests."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.orders import ReportOrder
from billing_pipeline.sandbox.report_files import MACHINE_FORMATS, ReportOptions, write_report

Clock = Callable[[], datetime]
_PATIENCE = 1.0  # seconds that a look at a report waits for its files, so that small ones are ready at once


@dataclass
class StoredReport:
    """One format of a report."""

    id: str
    report_format: str
    path: Path
    size: int = 0  # bytes, before compression


@dataclass
class CreatedReport:
    """A report that was ordered."""

    id: str
    version: int
    order: ReportOrder
    created_at: datetime
    started: float  # monotonic seconds
    stored: list[StoredReport]
    written: threading.Event = field(default_factory=threading.Event)
    number: int = 0  # 1 for the first report that was created
    looks: int = 0  # at its stored reports
    deleted: bool = False

    def answer(self) -> dict[str, Any]:
        """The report as POST /reports and GET /reports/{id} give it."""
        return {
            "generation_date": self.created_at.date().isoformat(),
            "id": self.id,
            "parameters": self.order.parameters,
            "recipients": self.order.recipients,
            "result_action": self.order.result_action,
            "schedule": self.order.schedule,
            "version": self.version,
        }


class Tokens:
    """Access tokens and when they expire."""

    def __init__(self, now: Clock, lifetime_seconds: int) -> None:
        self._now = now
        self._lifetime = lifetime_seconds
        self._expiry: dict[str, float] = {}
        self._requests_left: dict[str, int] = {}
        self._lock = threading.Lock()

    def issue(self) -> tuple[str, int]:
        """A new token and the UNIX second in which it expires."""
        token = f"eyJzYW5kYm94Ijp0cnVlfQ.{secrets.token_urlsafe(48)}"
        expires_on = int(self._now().timestamp()) + self._lifetime
        self._expiry[token] = expires_on
        return token, expires_on

    def is_valid(self, token: str) -> bool:
        """True while the token was issued here and has not expired; to be asked once a request."""
        with self._lock:
            left = self._requests_left.get(token)
            if left is not None:
                self._requests_left[token] = left - 1
                if left <= 0:
                    return False
        return self._expiry.get(token, 0) > self._now().timestamp()

    def limit(self, token: str, requests: int) -> None:
        """The token is good for so many requests only."""
        self._requests_left[token] = requests

    def revoke_all(self) -> None:
        """No token issued so far is valid any more."""
        self._expiry.clear()


class Reports:
    """The reports, and the files that are written for them in the background.

    Args:
        folder: where the files go; the caller removes it.
        ready_after_seconds: from the order until the stored reports are saved, if they are written by then.
        empty_looks, in_progress_looks: so many of the first looks see an empty list, then `in_progress`,
            whatever the time: for tests that must not depend on a clock.
    """

    def __init__(
        self,
        distributor: Distributor,
        folder: Path,
        now: Clock,
        *,
        ready_after_seconds: float,
        empty_looks: int,
        in_progress_looks: int,
        json_layout: str,
    ) -> None:
        self._distributor = distributor
        self._folder = folder
        self._now = now
        self._ready_after = ready_after_seconds
        self._empty_looks = empty_looks
        self._in_progress_looks = in_progress_looks
        self._json_layout = json_layout
        self._reports: dict[str, CreatedReport] = {}
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()

    @property
    def created(self) -> int:
        """How many reports were ever created."""
        return len(self._reports)

    def create(self, order: ReportOrder) -> CreatedReport:
        """Accept an order and begin to write its files."""
        identity = str(uuid.uuid4())
        stored = [
            StoredReport(str(uuid.uuid4()), name, self._folder / f"{identity}.{name}.gz")
            for name in order.formats
        ]
        report = CreatedReport(identity, 1, order, self._now(), time.monotonic(), stored)
        with self._lock:
            self._reports[identity] = report
            report.number = len(self._reports)
        threading.Thread(target=self._write, args=(report,), daemon=True).start()
        return report

    def get(self, report_id: str) -> CreatedReport | None:
        """The report, unless there is none or it was deleted."""
        report = self._reports.get(report_id)
        return None if report is None or report.deleted else report

    def of_tenant(self, tenant_id: str) -> list[str]:
        """The ids of the tenant's reports, in the order of their creation."""
        with self._lock:
            reports = list(self._reports.values())
        return [r.id for r in reports if r.order.selection.tenant_id == tenant_id and not r.deleted]

    def look(self, report: CreatedReport) -> list[dict[str, Any]]:
        """The `items` of GET /reports/{id}/stored: empty, then in progress, then saved."""
        with self._lock:
            report.looks += 1
            looks = report.looks
        if report.order.result_action != "save":
            return []
        age = time.monotonic() - report.started
        if looks <= self._empty_looks or age < self._ready_after / 4:
            return []
        pending = looks <= self._empty_looks + self._in_progress_looks or age < self._ready_after
        if pending or not report.written.wait(_PATIENCE):
            # The id of a stored report may be missing until it is saved: here it is.
            return [self._item(report, stored, "in_progress") for stored in report.stored]
        return [self._item(report, stored, "saved") | {"id": stored.id} for stored in report.stored]

    def stored(self, report: CreatedReport, stored_id: str) -> StoredReport | None:
        """A stored report that is ready to download."""
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
        options = ReportOptions(report.created_at, report.order.show_skus, self._json_layout)
        with self._one_at_a_time, ExitStack() as files:
            outputs = {
                stored.report_format: files.enter_context(stored.path.open("wb"))
                for stored in report.stored
                if stored.report_format in MACHINE_FORMATS
            }
            sizes: Mapping[str, int] = (
                write_report(outputs, self._distributor, report.order.selection, options, compress=True)
                if outputs
                else {}
            )
        for stored in report.stored:
            stored.size = sizes.get(stored.report_format, 0)
            if stored.report_format not in MACHINE_FORMATS:
                note = f"The sandbox does not render {stored.report_format}.\n".encode()
                stored.size = len(note)
                compressor = zlib.compressobj(wbits=31)
                stored.path.write_bytes(compressor.compress(note) + compressor.flush())
        report.written.set()
