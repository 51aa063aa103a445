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
from io import TextIOWrapper
from pathlib import Path
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
_STDERR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 if the command did all that was asked, 1 if not (one clear message is on stderr), 2 if the
        command line is wrong, 130 if it was interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in arguments if word in COMMANDS), None)
    _mend_streams(data_on_stdout=command == "sql")
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
        told = f"{error.filename}: {error.strerror}" if error.filename else error
        print(
            f"billing-pipeline {parsed.command}: {told}. "
            "Make room or correct the permissions there, and run it again.",
            file=sys.stderr,
        )
        _give_up_output()
        return 1
    except KeyboardInterrupt:
        print(f"billing-pipeline {parsed.command}: interrupted; run it again to go on", file=sys.stderr)
        return _EXIT_INTERRUPTED
    return status


def _mend_streams(*, data_on_stdout: bool) -> None:
    """No command fails because a stream is closed, or a message has a character that the terminal lacks.

    Args:
        data_on_stdout: what is printed there must be right, or not at all.
    """
    # All three, lest what is opened next gets a closed stream's number, and is written into.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper) and not (data_on_stdout and name == "stdout"):
            stream.reconfigure(errors="backslashreplace")


def _give_up_output() -> None:
    """Nothing more can be written, at the interpreter's shutdown neither."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console_script() -> NoReturn:
    """The entry point of the installed script."""
    sys.exit(main())
