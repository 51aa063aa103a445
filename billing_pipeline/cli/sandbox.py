"""`billing-pipeline sandbox`: serves a sandbox of the Acronis API until stopped."""

import threading
from contextlib import suppress

import click

from billing_pipeline.errors import SettingsError
from billing_pipeline.sandbox import Sandbox
from billing_pipeline.sandbox.local import DEFAULT_SEED, DEFAULT_TENANTS


@click.command(epilog="\b\nExample:\n  billing-pipeline sandbox --port 8080")
@click.option("--port", default=8080, help="On loopback; default: 8080; 0 takes a free one.")
@click.option("--tenants", default=DEFAULT_TENANTS, show_default=True, help="Size of the distributor.")
@click.option("--seed", default=DEFAULT_SEED, help="Seed of the invented distributor.")
@click.option("--ready-after", default=2.0, metavar="SECONDS", help="Delay of each report; default: 2.")
@click.option("--lenient", is_flag=True, help="Accept booleans sent as strings, as the real API seems to.")
def command(port: int, tenants: int, seed: int, ready_after: float, lenient: bool) -> int:
    """Serve a local sandbox of the Acronis API until stopped."""
    if not 0 <= port <= 65_535:
        raise SettingsError(
            f"the sandbox cannot start: port {port} is out of range",
            todo="Set --port to a number from 0 to 65535.",
        )
    try:
        sandbox = Sandbox(port, tenants=tenants, seed=seed, ready_after_seconds=ready_after, lenient=lenient)
    except (OSError, ValueError, OverflowError) as error:
        raise SettingsError(f"the sandbox cannot start: {error}", todo="Correct the arguments.") from None
    with sandbox, suppress(KeyboardInterrupt):
        print(
            f"The sandbox API listens on {sandbox.base_url}; stop it with Ctrl-C. Settings that use it:",
            f"  ACRONIS_BASE_URL={sandbox.base_url}",
            f"  ACRONIS_CLIENT_ID={sandbox.client_id}",
            f"  ACRONIS_CLIENT_SECRET={sandbox.client_secret}",
            f"Control totals of a month: {sandbox.base_url}/sandbox/totals?period=YYYY-MM",
            sep="\n",
            flush=True,
        )
        threading.Event().wait()
    return 0
