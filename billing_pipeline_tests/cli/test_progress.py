"""Progress in a terminal is one line, however narrow that is."""

from __future__ import annotations

from io import StringIO

import pytest

from billing_pipeline.cli.progress import ProgressLine


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_passing_state_is_no_longer_than_a_line_and_a_result_is_whole(
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
