"""`python -m benchmarks.whole_run`: where the time of a whole `billing-pipeline run` goes.

A month of one tenant, and a large one, over HTTP from a sandbox in another process, both formats, the report
ready at once. The large one is compared with the engine's limit for the same rows, measured between the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tabulate import tabulate

from benchmarks.inputs import PERIOD, make_input, tenants_for
from benchmarks.measuring import run_once
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox


@dataclass(frozen=True, slots=True)
class _WholeRun:
    """One run: seconds and processor seconds of each phase, and of the process; peak memory."""

    phases: dict[str, tuple[float, float]]
    peak_mib: float


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whole_run", description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("data/benchmarks"))
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the start")
    source = make_input(options.folder, "flat", options.rows)
    small = _measured(1, options.runs)
    large, limits = [], []
    for _ in range(options.runs):
        large += _measured(tenants_for(options.rows), 1)
        limits.append(run_once("limit", source.lines, options.folder, PERIOD))
    print(f"\nA month of one tenant\n{_table(small)}")
    print(f"\nA month of {source.rows:,} rows\n{_table(large)}")
    extra = _median(large, "all", 1) - _median(small, "all", 1)
    limit = statistics.median(each.cpu_seconds for each in limits)
    print(f"\nThe engine's limit for these rows: {limit:.2f} s of processor time")
    print(f"What the large month takes beyond the small one: {extra:.2f} s, {extra / limit:.2f} × the limit")


def _measured(tenants: int, runs: int) -> list[_WholeRun]:
    with RecordingSandbox(tenants=tenants, ready_after_seconds=0) as sandbox:
        environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("ACRONIS_", "BILLING_", "DAGSTER_"))
            },
            "NO_PROXY": "127.0.0.1",
            "ACRONIS_BASE_URL": sandbox.base_url,
            "ACRONIS_CLIENT_ID": sandbox.client_id,
            "ACRONIS_CLIENT_SECRET": sandbox.client_secret,
        }
        return [_run_once(environment) for _ in range(runs)]


def _run_once(environment: dict[str, str]) -> _WholeRun:
    with TemporaryDirectory(prefix="billing-pipeline-run-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ways.whole_run", PERIOD],
            env=environment | {"BILLING_DATA_DIR": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        printed = process.stdout.read()
        # wait4 instead of wait, because it returns the child's resource usage.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the run ended with status {process.returncode}")
    phases = {name: (wall, cpu) for name, (wall, cpu) in json.loads(printed.splitlines()[-1]).items()}
    start, whole = phases["start: imports"], phases.pop("whole run")
    phases["all"] = (start[0] + whole[0], used.ru_utime + used.ru_stime)
    return _WholeRun(phases, used.ru_maxrss / 1024)


def _median(runs: list[_WholeRun], phase: str, column: int) -> float:
    return statistics.median(run.phases[phase][column] for run in runs)


def _table(runs: list[_WholeRun]) -> str:
    rows = [
        [name, f"{_median(runs, name, 0):.2f}", f"{_median(runs, name, 1):.2f}"] for name in runs[0].phases
    ]
    peak = statistics.median(run.peak_mib for run in runs)
    table = tabulate(
        rows, ["phase", "s", "CPU s"], disable_numparse=True, colalign=["left", "right", "right"]
    )
    return f"{table}\npeak {peak:,.0f} MiB"


if __name__ == "__main__":
    main()
