"""The parameters of a report as POST /reports sends them, and as the API's answers describe them."""

from __future__ import annotations

from typing import Any

from billing_pipeline.acronis.models import Report
from billing_pipeline.reports import ReportParameters

# Without these in the API's description, a report cannot be recognised as the one requested.
_ESSENTIAL = {"tenant_id", "kind", "level", "start", "end"}


def request_body(parameters: ReportParameters) -> dict[str, Any]:
    """The JSON of POST /reports.

    `recipients` is empty because the schema requires the key and the tutorial does not have it; the API
    refuses unknown keys, so there are no others.
    """
    return {
        "parameters": {
            "kind": parameters.kind,
            "tenant_id": parameters.tenant_id,
            "level": parameters.level,
            "period": _dates(parameters),
            "formats": list(parameters.formats),
            "hide_zero_usage": parameters.hide_zero_usage,
            "show_skus": parameters.show_skus,
        },
        "schedule": {"type": "once"},
        "result_action": "save",
        "recipients": [],
    }


def differences(parameters: ReportParameters, report: Report) -> list[str]:
    """Each respect in which the API's description of a report differs from the request, as a phrase.

    A key that the API leaves out is no difference: the tutorial's answer has no flags, for example.
    """
    described = report.described()
    found = [
        f"{name} is {described[name]}, requested was {requested}"
        for name, requested in _requested(parameters).items()
        if name in described and described[name] != requested
    ]
    absent = sorted(set(parameters.formats) - set(report.formats)) if report.formats is not None else []
    return found + [f"format {name} is missing" for name in absent]


def matches_exactly(parameters: ReportParameters, report: Report) -> bool:
    """Whether the API describes this very request, nothing essential left out: then it can be adopted."""
    return (
        report.described().keys() >= _ESSENTIAL
        and report.formats is not None
        and not differences(parameters, report)
    )


def _requested(parameters: ReportParameters) -> dict[str, str]:
    return {
        "tenant_id": parameters.tenant_id,
        "kind": parameters.kind,
        "level": parameters.level,
        **_dates(parameters),
        "hide_zero_usage": str(parameters.hide_zero_usage).lower(),
        "show_skus": str(parameters.show_skus).lower(),
        "schedule": "once",
        "result_action": "save",
    }


def _dates(parameters: ReportParameters) -> dict[str, str]:
    period = parameters.period
    return {"start": period.start.isoformat(), "end": period.end.isoformat()}
