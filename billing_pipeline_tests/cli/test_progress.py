"""Progress in a terminal fits on one line of it."""

from __future__ import annotations

from io import StringIO

import pytest

from billing_pipeline.cli.progress import ProgressLine


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_line__narrow_terminal__cuts_progress_not_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    line = ProgressLine(terminal)

    line.update("waiting " * 20)
    line.settle("loaded " * 20)

    _, passing, result = terminal.getvalue().split("\r\x1b[2K")
    assert passing == ("waiting " * 20)[:39]
    assert result == "loaded " * 20 + "\n"
