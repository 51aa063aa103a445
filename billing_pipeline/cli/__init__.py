"""The console script `billing-pipeline`.

Each command is a module with `describe(parser)` and `execute(arguments) -> exit status`. Modules are
imported for the one command that was asked for, so that `sql`, `status` and `--help` answer at once.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from billing_pipeline.errors import BillingPipelineError

COMMANDS = {
    "run": "request, await, download and load billing periods",
    "status": "one line a period: what state it is in",
    "sql": "query the warehouse, read-only",
    "export": "a period as a CSV or Parquet file",
    "report": "a period at a glance, as a page for the browser",
    "close": "close a period that has been invoiced",
    "reopen": "reopen a closed period",
    "maintain": "compact a shared warehouse, and forget states older than anybody asks for",
    "sandbox": "serve a local stand-in for the Acronis API until stopped",
}

_EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 if the command did all that was asked, 1 if not (one clear message is on stderr), 2 if the
        command line is wrong, 130 if it was interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in arguments if word in COMMANDS), None)
    parser = argparse.ArgumentParser(
        prog="billing-pipeline", description="Acronis usage reports, loaded into DuckDB by billing period."
    )
    subparsers = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + "."
        )
        if name == command:
            import_module(f"{__name__}.{name}").describe(subparser)
    parsed = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status: int = import_module(f"{__name__}.{parsed.command}").execute(parsed)
        sys.stdout.flush()
    except BillingPipelineError as error:
        print(f"billing-pipeline {parsed.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output (`| head`) has seen enough.
        _give_up_output()
        return 1
    except OSError as error:
        print(f"billing-pipeline {parsed.command}: {error}", file=sys.stderr)
        _give_up_output()
        return 1
    except KeyboardInterrupt:
        print(f"billing-pipeline {parsed.command}: interrupted; run it again to go on", file=sys.stderr)
        return _EXIT_INTERRUPTED
    return status


def _give_up_output() -> None:
    """Nothing more can be written, at the interpreter's shutdown neither."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console_script() -> NoReturn:
    """The entry point of the installed script."""
    sys.exit(main())
