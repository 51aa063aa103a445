"""`billing-pipeline maintain`: compact a lake and expire its old snapshots."""

import click

from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouses import open_warehouse

# In effect for ever, and within the range of dates.
_COUNT = click.IntRange(0, 99_999)


@click.command(
    epilog="No rows change. Loads wait while it runs; readers do not."
    "\n\n\b\nExample:\n  billing-pipeline maintain --keep-days 3653"
)
@click.option(
    "--keep-days",
    type=_COUNT,
    default=3653,  # as long as invoices are kept in most places
    help="Keep snapshots of the last N days; default: 3653, ten years.",
)
@click.option(
    "--grace-hours",
    type=_COUNT,
    default=48,
    help="Keep unreferenced files for N hours, for readers and loads in progress; default: 48.",
)
def command(keep_days: int, grace_hours: int) -> int:
    """Compact a lake and expire its old snapshots."""
    warehouse = open_warehouse(PipelineSettings.load())
    maintain = getattr(warehouse, "maintain", None)  # only a lake has it
    if maintain is None:
        print(f"{warehouse.location} is one file with one state: there is nothing to do.")
        return 0
    print(maintain(keep_days=keep_days, grace_hours=grace_hours))
    return 0
