"""Whole processes, timed from outside."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one way.

    Args:
        seconds: wall time from the process's start to its end, imports included.
        cpu_seconds: user and system time.
        peak_mib: peak resident memory.
        result: what the way printed: rows and a sum.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    result: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of some runs."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    runs: int
    result: str

    @classmethod
    def of(cls, runs: list[Run]) -> Figures:
        """The medians.

        Raises:
            ValueError: the runs did not load the same.
        """
        results = {run.result for run in runs}
        if len(results) != 1:
            raise ValueError(f"the runs loaded different things: {results}")
        return cls(
            statistics.median(run.seconds for run in runs),
            statistics.median(run.cpu_seconds for run in runs),
            statistics.median(run.peak_mib for run in runs),
            len(runs),
            results.pop(),
        )


def _read_once(file: Path) -> None:
    """Warm the page cache; otherwise only the first way of each round would wait for the disk."""
    with file.open("rb", buffering=0) as content:
        while content.read(_READ_AT_ONCE):
            pass


def run_once(
    way: str, source: Path, folder: Path, *options: str, prepared: Mapping[str, Path] | None = None
) -> Run:
    """Run a way in a process of its own, in a folder of its own.

    Args:
        way: the name of its module.
        source: what it loads.
        folder: where its own folder is made, and removed again.
        options: further arguments of the module.
        prepared: files that lie in its folder when it starts, by their names there.
    """
    with TemporaryDirectory(dir=folder, prefix=f"{way}-") as work:
        for name, file in (prepared or {}).items():
            shutil.copy(file, Path(work) / name)
        _read_once(source)
        command = [sys.executable, "-m", f"benchmarks.ways.{way}", str(source), work, *options]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        result = process.stdout.read().strip()
        # wait4 instead of wait, because it returns the child's resource usage.
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    per_mib = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / per_mib, result.splitlines()[-1])
