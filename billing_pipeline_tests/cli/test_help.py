"""The help of each command ends with an example that the command takes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from billing_pipeline.cli import COMMANDS, main


def every_command() -> Iterator[list[str]]:
    """The words of each command."""
    yield []
    for name in COMMANDS:
        yield [name]
        command = import_module(f"billing_pipeline.cli.{name}").command
        yield from ([name, sub] for sub in getattr(command, "commands", ()))


@pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
def test_help__each_command__example_is_taken(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == 0
    head, example = capsys.readouterr().out.split("\n  Example:\n")
    assert head.startswith(" ".join(["Usage: billing-pipeline", *words]))
    program, *arguments = shlex.split(example.partition(">")[0])
    invoked: list[str] = []

    def invoke(_: click.Command, context: click.Context) -> int:
        invoked.append(context.command_path)
        return 0

    monkeypatch.setattr(click.Command, "invoke", invoke)

    assert main(arguments) == 0, capsys.readouterr().err

    assert invoked[-1].split()[: len(words) + 1] == [program, *words]
