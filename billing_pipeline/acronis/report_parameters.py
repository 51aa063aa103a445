"""The parameters of a report as POST /reports sends them, and as the API's answers describe them."""

from typing import Any

from billing_pipeline.acronis.models import Report
from billing_pipeline.reports import ReportParameters

# Without these in the API's description, a report cannot be recognised as the one requested.
_ESSENTIAL = {"tenant_id", "kind", "level", "start", "end"}
_PARAMETERS = ("tenant_id", "kind", "level", "hide_zero_usage", "show_skus")


def request_body(parameters: ReportParameters) -> dict[str, Any]:
    """The JSON of POST /reports.

    `recipients` is empty because the schema requires the key and the tutorial does not have it; the API
    refuses unknown keys, so there are no others.
    """
    return {
        "parameters": {
            **{name: getattr(parameters, name) for name in _PARAMETERS},
            "period": {
                "start": parameters.period.start.isoformat(),
                "end": parameters.period.end.isoformat(),
            },
            "formats": list(parameters.formats),
        },
        "schedule": {"type": "once"},
        "result_action": "save",
        "recipients": [],
    }


def differences(parameters: ReportParameters, report: Report) -> list[str]:
    """Each respect in which the API's description of a report differs from the request, as a phrase.

    A key that the API leaves out is no difference: the tutorial's answer has no flags, for example.
    """
    requested, described = _flat(request_body(parameters)), _flat(report.model_dump())
    found = [
        f"{name} is {described[name]}, requested was {value}"
        for name, value in requested.items()
        if described.get(name, value) != value
    ]
    absent = sorted(set(parameters.formats) - set(report.formats)) if report.formats is not None else []
    return found + [f"format {name} is missing" for name in absent]


def matches_exactly(parameters: ReportParameters, report: Report) -> bool:
    """Whether the API describes this very request, nothing essential left out: then it can be adopted."""
    return (
        _flat(report.model_dump()).keys() >= _ESSENTIAL
        and report.formats is not None
        and not differences(parameters, report)
    )


def _flat(body: dict[str, Any]) -> dict[str, str]:
    """The parameters of a request or a response as texts in lower case, without those that are null."""
    parameters = body["parameters"]
    period = parameters.get("period")
    if not isinstance(period, dict):
        period = {}
    flat = {
        **{name: parameters.get(name) for name in _PARAMETERS},
        # A day may be written as a time of that day.
        **{name: str(period.get(name) or "")[:10] or None for name in ("start", "end")},
        "schedule": (body["schedule"] or {}).get("type"),
        "result_action": body["result_action"],
    }
    return {name: str(value).lower()[:80] for name, value in flat.items() if value is not None}
