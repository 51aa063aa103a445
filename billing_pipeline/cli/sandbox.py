"""`billing-pipeline sandbox`: serves a sandbox of the Acronis API until stopped."""

from __future__ import annotations

import argparse
import threading
from contextlib import suppress

from billing_pipeline.errors import SettingsError
from billing_pipeline.sandbox import Sandbox
from billing_pipeline.sandbox.local import DEFAULT_SEED, DEFAULT_TENANTS


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--port", type=int, default=8080, help="port on loopback; default: 8080; 0 takes a free one"
    )
    parser.add_argument(
        "--tenants", type=int, default=DEFAULT_TENANTS, help="size of the distributor; default: %(default)s"
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="seed of the invented distributor")
    parser.add_argument(
        "--ready-after", type=float, default=2.0, metavar="SECONDS", help="for a report; default: 2"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM.

    Raises:
        SettingsError: the port is in use, or an argument is out of range.
    """
    if not 0 <= arguments.port <= 65_535:
        raise SettingsError(
            f"the sandbox cannot start: port {arguments.port} is out of range",
            todo="Set --port to a number from 0 to 65535.",
        )
    try:
        sandbox = Sandbox(
            arguments.port,
            tenants=arguments.tenants,
            seed=arguments.seed,
            ready_after_seconds=arguments.ready_after,
        )
    except (OSError, ValueError) as error:
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
