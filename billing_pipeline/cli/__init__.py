"""The console script `billing-pipeline`.

Each command is a module with a `command` that returns the exit status. Only the module of the given command
is imported, so that `sql`, `status` and `--help` answer at once.
"""

import atexit
import gc
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import click

from billing_pipeline import __version__
from billing_pipeline.cli.interrupts import handle_interrupts, is_interrupted
from billing_pipeline.cli.streams import discard_stdout, messages_on_stderr, prepare_streams
from billing_pipeline.errors import BillingPipelineError

COMMANDS = {
    "check": "check settings, API, data folder and warehouse before the first run",
    "run": "request, await, download and load billing periods",
    "status": "show the state of each period, one line each",
    "sql": "query the warehouse, read-only",
    "export": "write a period to a CSV, Parquet or XLSX file",
    "report": "write a summary page of a period, for the browser",
    "prices": "load price files, check them, or write a template",
    "close": "freeze the charges of a period, and close it",
    "reopen": "reopen a closed period",
    "prune": "remove superseded raw reports, old pages and old runs of Dagster",
    "maintain": "compact a lake and expire its old snapshots",
    "ui": "open Dagster's UI and daemon until stopped",
    "demo": "load three months from a sandbox API; needs no credentials",
    "sandbox": "serve a local sandbox of the Acronis API until stopped",
}

_log = logging.getLogger(__name__)
_PROGRAM = "billing-pipeline"
_EXIT_INTERRUPTED = 130
_OBJECTS_UNTIL_COLLECTION = 50_000


class _Commands(click.Group):
    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command:
        if name not in COMMANDS:
            raise click.NoSuchCommand(name, possibilities=COMMANDS, ctx=ctx)
        command: click.Command = import_module(f"{__name__}.{name}").command
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExample:\n  billing-pipeline run --period last",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def _billing_pipeline() -> None:
    """Acronis usage reports, loaded into DuckDB by billing period."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the command line without the program's name; default: that of the process.

    Returns:
        0 if everything was done, 1 if something was not (stderr has one line that says why), 2 if the command
        line is wrong, 130 if interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    with messages_on_stderr():
        return _main(arguments)


def _main(arguments: list[str]) -> int:
    program = next((f"{_PROGRAM} {word}" for word in arguments if word in COMMANDS), _PROGRAM)
    try:
        with _billing_pipeline.make_context(_PROGRAM, arguments) as context:
            status: int = _billing_pipeline.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:  # after --help and --version
        status = end.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except BillingPipelineError as error:
        return _failed(program, str(error), error.details)
    except BrokenPipeError:
        # The reader of stdout, such as `| head`, has closed it.
        discard_stdout()
        return 1
    except OSError as error:
        discard_stdout()
        cause = f"{error.filename}: {error.strerror}" if error.filename else error
        todo = "Free some disk space or correct the permissions there, and run it again."
        return _failed(program, f"{cause}. {todo}")
    except KeyboardInterrupt:
        return _interrupted(program)
    except RuntimeError:
        if is_interrupted():
            return _interrupted(program)
        raise
    return status


def _failed(program: str, message: str, details: Sequence[str] = ()) -> int:
    if is_interrupted():  # of which the failure is a consequence
        return _interrupted(program)
    for line in details:
        _log.error("%s", line)
    _log.error("%s: %s", program, message)
    return 1


def _interrupted(program: str) -> int:
    _log.error("%s: interrupted; run it again to go on", program)
    return _EXIT_INTERRUPTED


def console_script() -> NoReturn:
    """The entry point of the installed script."""
    if "_BILLING_PIPELINE_COMPLETE" in os.environ:  # a shell asks for completions
        _billing_pipeline.main(prog_name=_PROGRAM)
    prepare_streams()
    handle_interrupts()
    # Importing Dagster makes 110,000 containers that stay, and Python would search them for garbage often.
    gc.set_threshold(_OBJECTS_UNTIL_COLLECTION)
    status: int | None = None

    def end() -> None:
        if status is None:  # an error that was not foreseen, or Dagster has ended the process
            return
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(status)

    # Registered first, so called last. Python would release each object now, which takes half a second.
    atexit.register(end)
    status = main()
    sys.exit(status)
