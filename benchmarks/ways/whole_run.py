"""`python -m benchmarks.ways.whole_run <period>`: `billing-pipeline run`, and where its time went.

The settings come from the environment. Prints each phase with its wall time and the processor time of all
threads meanwhile, as JSON. Phases that run at the same time in different threads both count that time.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

_PHASES = {
    "download": ("billing_pipeline.orchestration.reports", "download_report"),
    "completeness": ("billing_pipeline.ordering.download", "incompleteness"),
    "load and checks": ("billing_pipeline.loading.load", "replace_period"),
    "cross-check": ("billing_pipeline.loading.replace", "cross_check"),
    "page": ("billing_pipeline.month_report", "write_month"),
}
"""Each phase by the function that is its whole work, where it is called from."""


def main() -> None:
    from billing_pipeline.cli import main as command

    spent: dict[str, tuple[float, float]] = {}

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        began, used = time.perf_counter(), _processor_seconds()
        try:
            yield
        finally:
            wall, cpu = spent.get(name, (0.0, 0.0))
            spent[name] = (wall + time.perf_counter() - began, cpu + _processor_seconds() - used)

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            with phase(name):
                return function(*arguments, **options)

        return call

    with phase("start: imports"):
        import_module("billing_pipeline.cli.run")
        import_module("billing_pipeline.orchestration.runs")
        for name, (module, function) in _PHASES.items():
            found = import_module(module)
            setattr(found, function, timed(name, getattr(found, function)))
    with phase("whole run"):
        status = command(["run", "--period", sys.argv[1]])
    if status:
        raise SystemExit(status)
    print(json.dumps(spent))


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
