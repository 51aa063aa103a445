"""`--try`: one real report, requested, downloaded and loaded in a temporary folder.

The same steps as a run, with a folder and a warehouse of their own, so that neither the state of the period
nor the warehouse changes. The folder is removed at the end; the report stays in the tenant's list at Acronis.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from billing_pipeline.errors import BillingPipelineError, ReportRefusedError
from billing_pipeline.landing import RawReport
from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.loading.load import load_period
from billing_pipeline.normalize import CsvReport, JsonReport
from billing_pipeline.normalize.envelope import read_envelope
from billing_pipeline.normalize.fields import BY_NAME
from billing_pipeline.normalize.refusals import UnknownLayoutError, shown_keys
from billing_pipeline.normalize.splitter import Splitter
from billing_pipeline.orchestration.reports import AcronisReports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.ordering import ProgressCallback
from billing_pipeline.periods import AccountPeriod, BillingPeriod
from billing_pipeline.preflight.result import Result, Verdict, failed, ok, warning
from billing_pipeline.reports import CSV_FORMAT, JSON_FORMAT
from billing_pipeline.settings import AccountSettings, PipelineSettings
from billing_pipeline.sql_files import read_sql

MAX_TRIAL_GIB = 2
"""Limit of one decompressed file, because the system's temporary folder may be small."""
_ROW = re.compile(r"\brow [\d,]+")


def trial_results(
    pipeline: PipelineSettings,
    account: AccountSettings,
    period: BillingPeriod,
    progress: ProgressCallback,
) -> Iterator[Result]:
    """Request the report that a run would request, without items that have no usage, and look at it.

    Args:
        pipeline: the rules of the load.
        account: level and kind of the report.
        period: that has ended.
        progress: receives each event.
    """
    with TemporaryDirectory(prefix="billing-pipeline-check-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        own = {"data_dir": folder, "warehouse": None, "max_report_gib": MAX_TRIAL_GIB}
        settings = Settings(
            pipeline.model_copy(update=own),
            {account.account: account.model_copy(update={"hide_zero_usage": True})},
        )
        subject = AccountPeriod(period, account.account)
        try:
            with closing(AcronisReports(settings)) as reports:
                reports.request(subject, progress)
                reports.await_stored(subject, progress)
                raw = reports.download(subject, progress)
        except BillingPipelineError as error:
            yield failed("report", error)
            return
        sizes = ", ".join(f"{file.report_format} {file.size:,} bytes" for file in raw.manifest.files)
        yield ok(
            "report",
            f"{raw.report_id} of {period}, {account.report_level}, {account.report_kind}: {sizes}; its "
            "files were in a temporary folder and are removed, and the report stays in the tenant's list",
        )
        yield _layout(raw.path(JSON_FORMAT))
        yield from _rows(raw, folder)
        yield _load(settings, subject)


def _layout(path: Path) -> Result:
    try:
        with path.open("rb", buffering=0) as file:
            layout = Splitter(file, read_envelope(path), path.parent).layout_in_words()
        return ok("layout", f"{JSON_FORMAT} is {layout}")
    except UnknownLayoutError as error:
        fault, _, _ = error.what.partition("; its keys")
        return warning(
            "layout",
            f"the layout of {JSON_FORMAT} is not known{_place(fault)}; its keys are {error.keys}",
            "Please report this line as an issue of billing_pipeline.",
        )
    except ReportRefusedError:
        return warning("layout", f"{JSON_FORMAT} is damaged", "Run it again for another report.")


def _rows(raw: RawReport, folder: Path) -> Iterator[Result]:
    """Fields that have no column, and the levels of the rows."""
    with duckdb.connect(":memory:") as connection:
        source = _read(connection, raw, folder)
        if source is None:
            return
        fields = [name for (name,) in connection.execute(read_sql("preflight/fields.sql")).fetchall()]
        levels = connection.execute(
            read_sql("preflight/levels.sql"), {"root_tenant_id": raw.manifest.parameters.tenant_id}
        ).fetchall()
    if fields:
        yield warning(
            "fields",
            f"{source} has fields that have no column and are kept in `extra`: {shown_keys(fields)}",
            "Please report this line as an issue of billing_pipeline.",
        )
    else:
        yield ok("fields", f"every field of {source} has a column")
    found = [f"{kind}: {tenants:,} tenants, {rows:,} rows" for kind, tenants, rows in levels]
    yield ok("levels", "; ".join(found) or "none, because the report is empty")


def _read(connection: duckdb.DuckDBPyConnection, raw: RawReport, folder: Path) -> str | None:
    """Read the report into the table `report_rows`; the format that could be read, or None."""
    parameters = raw.manifest.parameters
    wanted = "SELECT tenant_id, tenant_kind, extra FROM"
    try:
        with JsonReport(raw.path(JSON_FORMAT), parameters, folder / "work") as report:
            connection.execute("CREATE TABLE report_rows (tenant_id UUID, tenant_kind VARCHAR, extra JSON)")
            for select in report.selects():
                connection.execute(f"INSERT INTO report_rows {wanted} ({select})")
    except (ReportRefusedError, duckdb.Error):
        pass
    else:
        return JSON_FORMAT
    try:
        (select,) = CsvReport(raw.path(CSV_FORMAT), parameters.period.start, parameters.period.end).selects()
        connection.execute(f"CREATE OR REPLACE TABLE report_rows AS {wanted} ({select})")
    except (ReportRefusedError, duckdb.Error):
        return None
    return CSV_FORMAT


def _load(settings: Settings, subject: AccountPeriod) -> Result:
    """Load it into a warehouse of its own. Messages of a load quote the report, so only names are shown."""
    details = f"For the details, load the month: billing-pipeline run --period {subject.period}."
    try:
        attempt = load_period(
            settings.pipeline.account_dir(subject.account),
            settings.warehouse,
            subject.period,
            account=subject.account,
            run_id="check",
            cross_check=settings.pipeline.cross_check,
            delta_items=settings.pipeline.delta_items,
        )
    except LoadStoppedError as error:
        stops = ", ".join(check.check_name for check in error.checks if check.stops)
        return Result(Verdict.FAILED, "load", f"the report does not pass the checks {stops}", details)
    except ReportRefusedError as error:
        return Result(Verdict.FAILED, "load", f"the report is refused{_place(error.what)}", details)
    except BillingPipelineError as error:
        return failed("load", error)
    rows = attempt.control_totals.rows if attempt.control_totals else 0
    if warnings := [check.check_name for check in attempt.checks if not check.passed]:
        return warning("load", f"{rows:,} rows would load, with the warnings {', '.join(warnings)}", details)
    return ok("load", f"{rows:,} rows would load, and every check passes")


def _place(message: str) -> str:
    """Row and fields that a message names, without any value."""
    row = _ROW.search(message)
    named = [name for name in BY_NAME if re.search(rf"\b{re.escape(name)}\b", message) and "." in name]
    places = [*([row[0]] if row else []), *named]
    return f" at {', '.join(places)}" if places else ""
