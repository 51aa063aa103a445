"""The parameters that identify a usage report, and its control totals.

The parameters of a request are one value: POST /reports sends it, the state of a period and the manifest of
a raw report store it, and the load compares the report with it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic.dataclasses import dataclass as validated_dataclass

from billing_pipeline.errors import PeriodError
from billing_pipeline.periods import BillingPeriod

JSON_FORMAT = "json_v2_0"
CSV_FORMAT = "csv_v2_0"
MACHINE_FORMATS = (JSON_FORMAT, CSV_FORMAT)
"""The machine-readable formats. Both contain the same rows, so that they can be cross-checked."""

MEASURES = tuple(
    f"{measure}_{part}"
    for measure in ("absolute", "delta", "effective")
    for part in ("production", "trial", "total")
)
"""The measures of a usage row, as the columns of `usage` name them."""

DeltaItems = Literal["accumulating", "compute_points"]
"""Which items are billed by `delta`: all that accumulate over the period, or of these compute points only."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def api_id(value: object) -> str:
    """Validate an id that the API sent.

    Ids become part of URLs, and a report's id the name of a folder. So only a UUID in its usual form with
    hyphens passes: no `..`, no slash.

    Returns:
        The UUID in lower case.

    Raises:
        ValueError: it is not a UUID in its usual form.
    """
    if isinstance(value, str) and is_api_id(value):
        return value.lower()
    raise ValueError(f"{str(value)[:40]!r} is not a UUID")


def is_api_id(value: object) -> bool:
    """Whether `api_id` accepts the value."""
    return isinstance(value, str) and _UUID.fullmatch(value.lower()) is not None


ApiId = Annotated[str, BeforeValidator(api_id)]


class Record(BaseModel):
    """Base of the JSON files in the data folder.

    An unknown key is refused: a newer version wrote the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


def _period(value: object) -> object:
    try:
        return BillingPeriod.parse(value) if isinstance(value, str) else value
    except PeriodError as error:
        raise ValueError(error.what) from None


PeriodField = Annotated[BillingPeriod, BeforeValidator(_period), PlainSerializer(str)]


@validated_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class ReportParameters:
    """The parameters of one usage report: one tenant, one billing period, generated once.

    Args:
        tenant_id: UUID of the tenant that the report is about.
        period: the billing period; a report with SKUs must cover a full month.
        kind: `usage_summary`, `usage_daily`, `usage_current` or `usage_breakdown`.
        level: `direct_partners`, `all_partners`, `all_customers`, `accounts` or `itself`.
        hide_zero_usage: leave out offering items without usage.
        show_skus: include SKUs; not every partner gets them.
        formats: one stored file each.
    """

    tenant_id: ApiId
    period: PeriodField
    kind: str
    level: str
    hide_zero_usage: bool = True
    show_skus: bool = True
    formats: tuple[str, ...] = MACHINE_FORMATS


def exact_number(text: str) -> int | Decimal:
    """The number that a text of digits denotes: an int if it is whole, else as many decimals as it needs."""
    number = Decimal(text)
    whole = int(number)
    return whole if number == whole else Decimal(f"{number:f}".rstrip("0"))


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """Row count and exact sums of one report, equal in the raw report and in the table before a load commits.

    Args:
        rows: number of usage rows.
        sums: for each measurement unit, the exact sum of each of `MEASURES`, in that unit.
    """

    rows: int
    sums: Mapping[str, Mapping[str, int | Decimal]]

    def differences(self, other: "ControlTotals") -> list[str]:
        """Each total that differs from `other`, as `name: ours is not theirs`."""
        found = [f"rows: {self.rows} is not {other.rows}"] if self.rows != other.rows else []
        for unit in sorted({*self.sums, *other.sums}):
            ours, theirs = self.sums.get(unit, {}), other.sums.get(unit, {})
            found += [
                f"{unit} {name}: {ours.get(name, 0)} is not {theirs.get(name, 0)}"
                for name in MEASURES
                if ours.get(name, 0) != theirs.get(name, 0)
            ]
        return found
