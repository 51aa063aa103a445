"""`prices`: the price files, loaded into the warehouse's tables."""

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256

import dagster as dg

from billing_pipeline.charges import PRICES_FOLDER, load_prices
from billing_pipeline.charges.checks import NO_PRICES
from billing_pipeline.charges.price_state import LoadedFile, loaded_files
from billing_pipeline.errors import BillingPipelineError, PricesRefusedError
from billing_pipeline.orchestration.accounts import GROUP
from billing_pipeline.orchestration.failures import failure_from
from billing_pipeline.orchestration.month_report import MonthReports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.orchestration.tables import markdown_table, markdown_text

PRICES = dg.AssetKey("prices")
PRICE_FILE_CHECK = dg.AssetCheckSpec(
    "price_file",
    asset=PRICES,
    description="The price files have no errors and change no closed month, so that they could be loaded.",
)


@dg.asset(
    key=PRICES,
    check_specs=[PRICE_FILE_CHECK],
    group_name=GROUP,
    owners=["team:billing"],
    kinds={"csv", "duckdb", "table"},
    code_version="1",
    metadata={"dagster/table_name": "warehouse.main.price"},
)
def prices(
    settings: dg.ResourceParam[Settings], month_reports: dg.ResourceParam[MonthReports]
) -> Iterator[dg.MaterializeResult[None]]:
    """Prices and customers' terms, from the files in the folder `prices`; replaced whole, in one transaction.

    Other prices than before renew the pages of open months. Files that are refused fail the check
    `price_file` and not the run, which loads usage too: the prices that were loaded before stay in force. The
    data version is the hash of the files whose prices are in force.
    """
    try:
        check = _load(settings, month_reports)
        files = _in_force(settings)
    except BillingPipelineError as error:
        raise failure_from(error) from None
    digest = sha256("\n".join(f"{file.file} {file.sha256}" for file in files).encode())
    yield dg.MaterializeResult(
        check_results=[check],
        data_version=dg.DataVersion(digest.hexdigest() if files else NO_PRICES),
        metadata={
            "rows": sum(file.row_count for file in files),
            "files": markdown_table(
                ("file", "rows", "SHA-256"), [(file.file, file.row_count, file.sha256) for file in files]
            )
            if files
            else NO_PRICES,
            **({"loaded_at": dg.MetadataValue.timestamp(files[0].recorded_at)} if files else {}),
        },
    )


def _load(settings: Settings, month_reports: MonthReports) -> dg.AssetCheckResult:
    folder = settings.pipeline.data_dir / PRICES_FOLDER
    if not any(folder.glob("*.csv")):
        with suppress(OSError):  # for the first price file
            folder.mkdir(exist_ok=True)
        kept = "there are no price files; the prices that were loaded before stay in force"
        return _result(passed=True, text=kept if _in_force(settings) else NO_PRICES)
    try:
        loaded = load_prices(settings.warehouse, folder)
    except PricesRefusedError as error:
        return _result(passed=False, text=str(error), findings=error.details)
    if loaded.is_new:
        month_reports.renew()
    rows = ", ".join(f"{name} {count:,} rows" for name, count in loaded.rows.items())
    return _result(passed=True, text=rows, findings=loaded.warnings)


def _result(*, passed: bool, text: str, findings: tuple[str, ...] = ()) -> dg.AssetCheckResult:
    shown = {"findings": markdown_table(("finding",), [(finding,) for finding in findings])}
    return dg.AssetCheckResult(
        check_name=PRICE_FILE_CHECK.name,
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=markdown_text(text),
        metadata=shown if findings else {},
    )


def _in_force(settings: Settings) -> list[LoadedFile]:
    if not settings.warehouse.exists():
        return []
    with settings.warehouse.reading() as connection:
        return loaded_files(connection)
