"""Commands that answer immediately do not import Dagster, which takes longer than the answer."""

from __future__ import annotations

import subprocess
import sys

import pytest

from billing_pipeline_tests.harness.command_line import CliHarness, errors

_PROGRAM = """
import sys
from billing_pipeline.cli import main
main(sys.argv[1:])
print("imported" if "dagster" in sys.modules else "not imported")
"""


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["sql", "SELECT 1"], ["ui", "--help"], ["demo", "--help"]],
    ids=lambda words: words[0],
)
def test_cli__immediate_answer__does_not_import_dagster(cli: CliHarness, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        env=cli.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "not imported"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"BILLING_DATA_DIR": "/nowhere%41"}, "must not contain"),
        ({"DAGSTER_HOME": "relative"}, "DAGSTER_HOME"),
    ],
)
def test_run__folder_unusable__is_named(cli: CliHarness, settings: dict[str, str | None], said: str) -> None:
    done = cli.command("run", "--period", "2026-09", settings=settings)

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert said in message
