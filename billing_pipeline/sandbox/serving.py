"""Serves the sandbox until it is interrupted, for the command line."""

from __future__ import annotations

import signal
import threading

from billing_pipeline.sandbox.local import DEFAULT_SEED, DEFAULT_TENANTS, Sandbox


def serve(
    port: int,
    *,
    tenants: int = DEFAULT_TENANTS,
    seed: int = DEFAULT_SEED,
    ready_after_seconds: float = 2.0,
    json_layout: str = "flat",
) -> None:
    """Print the address and credentials, then serve until SIGINT or SIGTERM. Call it from the main thread.

    Args:
        port: TCP port on 127.0.0.1; 0 takes a free one.
        tenants, seed, ready_after_seconds, json_layout: as for `Sandbox`.

    Raises:
        OSError: the port is taken.
    """
    stopped = threading.Event()
    sandbox = Sandbox(
        port, tenants=tenants, seed=seed, ready_after_seconds=ready_after_seconds, json_layout=json_layout
    )
    previous = {
        name: signal.signal(name, lambda *_: stopped.set()) for name in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with sandbox:
            print(announcement(sandbox), flush=True)
            stopped.wait()
    finally:
        for name, handler in previous.items():
            signal.signal(name, handler)


def announcement(sandbox: Sandbox) -> str:
    """What a person needs to use a running sandbox: its address and credentials, as lines for `.env`."""
    return "\n".join(
        (
            f"The sandbox API listens on {sandbox.base_url}; stop it with Ctrl-C. Settings that use it:",
            f"  ACRONIS_BASE_URL={sandbox.base_url}",
            f"  ACRONIS_CLIENT_ID={sandbox.client_id}",
            f"  ACRONIS_CLIENT_SECRET={sandbox.client_secret}",
            f"What a month must add up to: {sandbox.base_url}/sandbox/totals?period=YYYY-MM",
        )
    )
