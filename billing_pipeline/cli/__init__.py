"""The console script `billing-pipeline`.

Each command is a module with `describe(parser)` and `execute(arguments) -> exit status`. Only the module
of the given command is imported, so that `sql`, `status` and `--help` answer at once.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from billing_pipeline import __version__
from billing_pipeline.cli.streams import discard_stdout, prepare_streams
from billing_pipeline.errors import BillingPipelineError

COMMANDS = {
    "run": "request, await, download and load billing periods",
    "status": "show the state of each period, one line each",
    "sql": "query the warehouse, read-only",
    "export": "write a period to a CSV or Parquet file",
    "report": "write a summary page of a period, for the browser",
    "close": "close a period that has been invoiced",
    "reopen": "reopen a closed period",
    "maintain": "compact a lake and expire its old snapshots",
    "sandbox": "serve a local sandbox of the Acronis API until stopped",
}

_EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the command line without the program's name; default: that of the process.

    Returns:
        0 if everything was done, 1 if something was not (stderr has one line that says why), 130 if
        interrupted.

    Raises:
        SystemExit: with 2 if the command line is wrong, with 0 after `--help` and `--version`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in arguments if word in COMMANDS), None)
    parser = argparse.ArgumentParser(
        prog="billing-pipeline", description="Acronis usage reports, loaded into DuckDB by billing period."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + "."
        )
        if name == command:
            import_module(f"{__name__}.{name}").describe(subparser)
    try:
        parsed = parser.parse_args(arguments)
        status: int = import_module(f"{__name__}.{command}").execute(parsed)
        sys.stdout.flush()
    except BillingPipelineError as error:
        return _failed(command, str(error))
    except BrokenPipeError:
        # The reader of stdout, such as `| head`, has closed it.
        discard_stdout()
        return 1
    except OSError as error:
        discard_stdout()
        cause = f"{error.filename}: {error.strerror}" if error.filename else error
        todo = "Make room or correct the permissions there, and run it again."
        return _failed(command, f"{cause}. {todo}")
    except KeyboardInterrupt:
        return _failed(command, "interrupted; run it again to go on", _EXIT_INTERRUPTED)
    return status


def _failed(command: str | None, message: str, status: int = 1) -> int:
    print(f"billing-pipeline {command}: {message}", file=sys.stderr)
    return status


def console_script() -> NoReturn:
    """The entry point of the installed script."""
    prepare_streams()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
