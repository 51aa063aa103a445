"""`billing-pipeline prune`: remove superseded raw reports, old pages and old runs of Dagster."""

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from billing_pipeline.errors import PeriodError
from billing_pipeline.files import reporting_io_errors
from billing_pipeline.landing import period_lock, sealed_folders
from billing_pipeline.landing.raw_reports import MANIFEST
from billing_pipeline.month_report import remove_months, written_months
from billing_pipeline.ordering.state import Outcome, load_requests
from billing_pipeline.periods import AccountPeriod, BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouses import open_warehouse


@click.command(
    epilog="Kept: the report that each month is loaded from, reports that invoice lines refer to, reports in "
    "progress, and everything of months that are not loaded."
    "\n\n\b\nExample:\n  billing-pipeline prune --older-than 730 --dry-run"
)
@click.option(
    "--older-than", "days", type=click.IntRange(0, 36_500), default=400, metavar="DAYS", help="Default: 400."
)
@click.option("--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
def command(days: int, dry_run: bool) -> int:
    """Remove superseded raw reports, pages and Dagster's runs older than --older-than days."""
    settings = PipelineSettings.load()
    before = datetime.now(UTC) - timedelta(days=days)
    done = "would be removed" if dry_run else "removed"
    count = size = 0
    needed = _needed_reports(settings)
    for account in settings.accounts:
        for folder in _superseded(settings.account_dir(account), account, needed, before):
            bytes_in_folder = sum(path.stat().st_size for path in folder.iterdir())
            count, size = count + 1, size + bytes_in_folder
            print(f"{folder}  {bytes_in_folder:,} bytes {done}")
            if not dry_run:
                with reporting_io_errors(folder):
                    # First the manifest: without one, what a killed command leaves is not a raw report.
                    (folder / MANIFEST).unlink()
                    shutil.rmtree(folder)
    pages = {month: settings.reports_dir / f"{month}.html" for month in written_months(settings.reports_dir)}
    old = {month: page for month, page in pages.items() if page.stat().st_mtime < before.timestamp()}
    for page in old.values():
        print(f"{page}  {done}")
    if old and not dry_run:
        remove_months(settings.reports_dir, old)
    runs = _prune_runs(settings, before, remove=not dry_run)
    print(f"{done}: {count:,} raw reports ({size:,} bytes), {len(old):,} pages, {runs:,} runs of Dagster")
    return 0


def _superseded(
    folder: Path, account: str, needed: Mapping[AccountPeriod, set[str]], before: datetime
) -> Iterator[Path]:
    """Folders of raw reports that nothing needs; while one is yielded, its period is locked."""
    for path in sorted((folder / "raw").glob("????-??")):
        try:
            period = BillingPeriod.parse(path.name)
        except PeriodError:
            continue
        loaded = needed.get(AccountPeriod(period, account), set())
        if not loaded:
            continue
        with period_lock(folder, period):
            reports = load_requests(folder, period).reports
            in_use = {name for name, (_, report) in reports.items() if report.outcome is Outcome.OPEN}
            for raw, requested_at in sealed_folders(folder, period).items():
                if raw.name not in loaded | in_use and requested_at < before:
                    yield raw


def _needed_reports(settings: PipelineSettings) -> dict[AccountPeriod, set[str]]:
    """The ids of the reports that loaded rows and invoice lines come from; empty without a warehouse."""
    warehouse = open_warehouse(settings)
    if not warehouse.exists():
        return {}
    needed: dict[AccountPeriod, set[str]] = {}
    with warehouse.reading() as connection:
        for month, account, report_id in connection.execute(
            read_sql("warehouse/queries/needed_reports.sql")
        ).fetchall():
            subject = AccountPeriod(BillingPeriod.containing(month), account)
            needed.setdefault(subject, set()).add(str(report_id))
    return needed


def _prune_runs(settings: PipelineSettings, before: datetime, *, remove: bool) -> int:
    # Dagster takes longer to import than everything else here.
    from dagster import DagsterRunStatus, RunsFilter  # noqa: PLC0415

    from billing_pipeline.orchestration.home import dagster_instance  # noqa: PLC0415

    ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    with dagster_instance(settings) as instance:
        records = instance.get_run_records(RunsFilter(statuses=ended, created_before=before))
        for record in records if remove else ():
            instance.delete_run(record.dagster_run.run_id)
    return len(records)
