"""`python -m benchmarks.backfill`: many periods at once, whose reports take a minute each.

Started by `billing-pipeline run --from … --to …`, and as a backfill from Dagster's UI: daemon, run
queue, a process for each run. The daemon polls for backfills every 30 seconds. The sandbox counts open
reports and simultaneous downloads.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import requests
from tabulate import tabulate

from billing_pipeline.periods import BillingPeriod
from billing_pipeline_tests.dagster_ui import await_periods, launch_backfill
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox
from billing_pipeline_tests.harness.request_log import most_at_once

_PATIENCE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class _Backfill:
    """What one backfill took, and what the server saw of it."""

    periods: int
    seconds: float
    peak_mib: float
    open_reports: int
    downloads: int
    requests: int


class _Memory(threading.Thread):
    """The most memory that a process and its children held at once, each shared page counted once."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self.ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self.ended.wait(2):
            held = 0
            with suppress(psutil.Error):
                for process in [self._process, *self._process.children(recursive=True)]:
                    with suppress(psutil.Error):
                        held += process.memory_full_info().pss
            self.peak = max(self.peak, held)


def main() -> None:
    """Measure, and print."""
    options = _options()
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(
        f"{cores} processors, load average {load:.1f} at the start; "
        f"a report is ready {options.ready_after:g} s after its request; "
        f"BILLING_OPEN_REPORTS={options.open_reports}"
    )
    for way in options.ways:
        found = [_measured(way, count, options) for count in options.periods]
        print(f"\n{_NAMES[way]}")
        print(
            tabulate(
                [
                    [
                        each.periods,
                        f"{each.seconds:.1f}",
                        f"{each.seconds / found[0].seconds:.2f}",
                        f"{-(-each.periods // options.open_reports) * options.ready_after:.0f}",
                        each.open_reports,
                        each.downloads,
                        f"{each.requests / each.periods:.1f}",
                        f"{each.peak_mib:,.0f}",
                    ]
                    for each in found
                ],
                [
                    "periods",
                    "s",
                    "÷ first",
                    "of it generation, s",
                    "most open reports",
                    "most downloads",
                    "requests a period",
                    "peak MiB",
                ],
                disable_numparse=True,
                colalign=["right"] * 8,
            )
        )
    print(f"\nLoad average at the end: {os.getloadavg()[0]:.1f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backfill", description=__doc__)
    parser.add_argument("--ways", nargs="+", choices=_NAMES, default=list(_NAMES))
    parser.add_argument("--periods", nargs="+", type=int, default=[1, 12, 36])
    parser.add_argument("--ready-after", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--open-reports", type=int, default=18)
    parser.add_argument("--tenants", type=int, default=40, help="about 30 rows each (default: %(default)s)")
    return parser.parse_args()


def _measured(way: str, count: int, options: argparse.Namespace) -> _Backfill:
    last = BillingPeriod.last_complete()
    periods = [last]
    while len(periods) < count:
        periods.append(periods[-1].previous())
    periods.reverse()
    with (
        TemporaryDirectory(prefix="billing-pipeline-backfill-") as folder,
        RecordingSandbox(tenants=options.tenants, ready_after_seconds=options.ready_after) as sandbox,
    ):
        outside = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ACRONIS_", "BILLING_", "DAGSTER_"))
        }
        environment = {
            **outside,
            "NO_PROXY": "127.0.0.1",
            "ACRONIS_BASE_URL": sandbox.base_url,
            "ACRONIS_CLIENT_ID": sandbox.client_id,
            "ACRONIS_CLIENT_SECRET": sandbox.client_secret,
            "BILLING_DATA_DIR": folder,
            "BILLING_FIRST_PERIOD": periods[0].key,
            "BILLING_OPEN_REPORTS": str(options.open_reports),
        }
        seconds, peak = _WAYS[way](periods, environment, Path(folder) / "log")
        most = most_at_once(sandbox.requests)
        if sandbox.reports_created != count:
            raise SystemExit(f"{sandbox.reports_created} reports were made for {count} periods")
        return _Backfill(
            count,
            seconds,
            peak / (1 << 20),
            most["open_reports"],
            most["downloads"],
            len(sandbox.requests),
        )


def _by_command(
    periods: Sequence[BillingPeriod], environment: Mapping[str, str], log: Path
) -> tuple[float, float]:
    command = [sys.executable, "-m", "billing_pipeline", "run", "--from", str(periods[0])]
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stderr=output, stdout=output)
        memory = _Memory(process.pid)
        memory.start()
        status = process.wait()
    seconds = time.perf_counter() - began
    memory.ended.set()
    if status:
        raise SystemExit(log.read_text()[-2000:])
    return seconds, memory.peak


def _by_daemon(
    periods: Sequence[BillingPeriod], environment: Mapping[str, str], log: Path
) -> tuple[float, float]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "billing_pipeline", "ui", "--port", str(port)],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    memory = _Memory(process.pid)
    memory.start()
    try:
        while not _serves(url):
            if process.poll() is not None:
                raise SystemExit(log.read_text()[-2000:])
            time.sleep(0.5)
        began = time.perf_counter()
        keys = [period.key for period in periods]
        backfill = launch_backfill(url, keys)
        await_periods(url, backfill, keys, seconds=_PATIENCE_SECONDS, alive=lambda: process.poll() is None)
        seconds = time.perf_counter() - began
    finally:
        memory.ended.set()
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return seconds, memory.peak


def _serves(url: str) -> bool:
    try:
        return requests.get(f"{url}/server_info", timeout=5).ok
    except requests.RequestException:
        return False


_NAMES = {
    "command": "billing-pipeline run --from … --to …",
    "daemon": "A backfill from Dagster's UI: daemon, run queue, a process for each run",
}
_WAYS = {"command": _by_command, "daemon": _by_daemon}


if __name__ == "__main__":
    main()
