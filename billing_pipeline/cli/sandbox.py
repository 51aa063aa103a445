"""`billing-pipeline sandbox`: serves a sandbox of the Acronis API until stopped."""

from __future__ import annotations

import argparse
import signal
import threading

from billing_pipeline.errors import SettingsError
from billing_pipeline.sandbox import Sandbox
from billing_pipeline.sandbox.local import DEFAULT_SEED, DEFAULT_TENANTS
from billing_pipeline.sandbox.report_files import JSON_LAYOUTS

_LARGEST_PORT = 65_535


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
        "--ready-after",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="how long a report takes; default: 2",
    )
    parser.add_argument(
        "--json-layout", choices=JSON_LAYOUTS, default="flat", help="of json_v2_0; default: %(default)s"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Serve until interrupted.

    Raises:
        SettingsError: the port is in use, or an argument is out of range.
    """
    if not 0 <= arguments.port <= _LARGEST_PORT:
        raise SettingsError(
            f"the sandbox cannot start: port {arguments.port} is out of range",
            todo=f"Set --port to a number from 0 to {_LARGEST_PORT}.",
        )
    try:
        sandbox = Sandbox(
            arguments.port,
            tenants=arguments.tenants,
            seed=arguments.seed,
            ready_after_seconds=arguments.ready_after,
            json_layout=arguments.json_layout,
        )
        _serve(sandbox)
    except (OSError, ValueError, OverflowError) as error:
        raise SettingsError(f"the sandbox cannot start: {error}", todo="Correct the arguments.") from None
    return 0


def _serve(sandbox: Sandbox) -> None:
    """Print the address and credentials, then serve until SIGINT or SIGTERM."""
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    with sandbox:
        print(
            f"The sandbox API listens on {sandbox.base_url}; stop it with Ctrl-C. Settings that use it:",
            f"  ACRONIS_BASE_URL={sandbox.base_url}",
            f"  ACRONIS_CLIENT_ID={sandbox.client_id}",
            f"  ACRONIS_CLIENT_SECRET={sandbox.client_secret}",
            f"Control totals of a month: {sandbox.base_url}/sandbox/totals?period=YYYY-MM",
            sep="\n",
            flush=True,
        )
        stopped.wait()
