"""`billing-pipeline ui`: Dagster's UI and daemon."""

import click


@click.command(epilog="\b\nExample:\n  billing-pipeline ui --port 3001")
@click.option("--port", type=click.IntRange(1, 65_535), help="Default: 3000, or a free one if that is taken.")
def command(port: int | None) -> int:
    """Open Dagster's UI and daemon on loopback until stopped, with persistent state in the data folder."""
    # Imported late: Dagster takes longer to import than --help may take.
    from billing_pipeline.orchestration.ui import serve_ui  # noqa: PLC0415

    serve_ui(port)
    return 0
