"""`billing-pipeline demo`: three months from a sandbox API into DuckDB."""

import click


@click.command(epilog="\b\nExample:\n  billing-pipeline demo --ui")
@click.option("--ui", is_flag=True, help="Then open Dagster's UI, with the sandbox still running.")
@click.option(
    "--port", type=click.IntRange(1, 65_535), help="Port of Dagster's UI; default: 3000, or a free one."
)
def command(*, ui: bool, port: int | None) -> int:
    """Load three months from a sandbox API into data/demo, and charge them.

    Needs no credentials, and ignores the settings, BILLING_DATA_DIR included.
    """
    from billing_pipeline.cli.demo.run import run_demo  # noqa: PLC0415

    return run_demo(with_ui=ui, port=port)
