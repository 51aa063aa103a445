"""Readiness of a report from its list of stored reports: a pure mapping."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from billing_pipeline.acronis import StoredReport, StoredReportStatus
from billing_pipeline.ordering.state import StoredFile


class Verdict(Enum):
    """The result of one poll."""

    READY = "ready"
    NOT_YET = "not yet"
    FAILED = "failed"
    GONE = "gone"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What one poll of the stored reports found.

    Args:
        verdict: the next action depends on it.
        stored: the files of the requested formats, as far as they are listed.
        unknown: statuses that the API does not document, as it wrote them.
    """

    verdict: Verdict
    stored: tuple[StoredFile, ...]
    unknown: tuple[str, ...]

    @property
    def status(self) -> str:
        """The statuses as one phrase."""
        if not self.stored:
            return "nothing listed yet"
        return ", ".join(f"{each.report_format} {each.status}" for each in self.stored)


_PREFERENCE = [
    StoredReportStatus.FAILED,
    StoredReportStatus.UNKNOWN,
    StoredReportStatus.IN_PROGRESS,
    StoredReportStatus.SAVED,
]


def readiness(items: Sequence[StoredReport], formats: Sequence[str]) -> Readiness:
    """Judge the items of GET /reports/{id}/stored.

    A report is ready once every requested format is saved. An empty list means "not yet", and so does a
    status that the API does not document. Of several items of one format the most advanced counts, of equals
    the last, as in Acronis' tutorial.
    """
    by_progress = sorted(items, key=lambda item: _PREFERENCE.index(item.status))
    best = {item.report_format: item for item in by_progress}
    listed = [best[name] for name in formats if name in best]
    statuses = [item.status for item in listed]
    if StoredReportStatus.FAILED in statuses:
        verdict = Verdict.FAILED
    elif len(listed) == len(formats) and all(status is StoredReportStatus.SAVED for status in statuses):
        verdict = Verdict.READY
    else:
        verdict = Verdict.NOT_YET
    stored = tuple(
        StoredFile(
            report_format=item.report_format,
            status=item.status_text,
            stored_report_id=item.id,
            size=item.size,
            created_at=item.created_at,
        )
        for item in listed
    )
    unknown = {item.status_text for item in listed if item.status is StoredReportStatus.UNKNOWN}
    return Readiness(verdict, stored, tuple(sorted(unknown)))
