"""Progress in a terminal: a line for each month, cut to the screen; results and warnings stay above them."""

from __future__ import annotations

import pytest

from billing_pipeline.cli.progress import ProgressDisplay
from billing_pipeline.cli.streams import messages_on_stderr
from billing_pipeline.ordering import Progress
from billing_pipeline.periods import SINGLE_ACCOUNT, AccountPeriod, BillingPeriod
from billing_pipeline_tests.harness.terminal import terminal, without_controls

MONTHS = [AccountPeriod(BillingPeriod(2026, month), SINGLE_ACCOUNT) for month in range(1, 10)]
REPORT = "65f050b3-7c0e-4f3a-8f0a-b1f8d1f9a001"
REST = f"json_v2_0 in_progress, next poll in 5 s, report {REPORT}, 5 s so far"


def screen(monkeypatch: pytest.MonkeyPatch, *, columns: int, lines: int, **environment: str) -> str:
    """What a terminal of this size receives while months are loaded; one of them has a warning."""
    for name, value in {"COLUMNS": columns, "LINES": lines, "TERM": "xterm", **environment}.items():
        monkeypatch.setenv(name, str(value))
    with terminal() as (stream, read):
        with monkeypatch.context() as patched, messages_on_stderr():
            for name in ("sys.stdout", "sys.stderr"):
                patched.setattr(name, stream)
            with ProgressDisplay("starting", len(MONTHS)) as display:
                for month in reversed(MONTHS):
                    state = Progress("waiting [red]for Acronis", REPORT, 5.0, "json_v2_0 in_progress", 5.0)
                    display.update(month, state)
                display.update(MONTHS[1], Progress("no answer", warning=True))
                print("2026-01  loaded, 7 rows")
                display.end(MONTHS[0], "loaded")
        return read()


def test_progress__small_terminal__lines_are_cut_and_results_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    received = without_controls(screen(monkeypatch, columns=40, lines=5))

    shown = [line for line in received.splitlines() if line.strip()]
    assert all(len(line) < 40 for line in shown), shown
    *_, count, first, second, third = shown
    # Sorted by month; the fifth line of the screen is left for the cursor.
    assert count.split() == ["1", "of", "9", "done", "0:00:00"]
    assert first.split() == ["2026-02", "no", "answer", "65f050b3", "0:00:00"]
    assert second.split() == ["2026-03", "waiting", "[red…", "65f050b3", "0:00:00"]
    assert third.startswith("2026-04 ")
    assert shown.count("2026-01  loaded, 7 rows") == 1
    assert shown.count("warning: 2026-02: no answer") == 1


def test_progress__no_color__no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[3" in screen(monkeypatch, columns=80, lines=24)
    assert "\x1b[3" not in screen(monkeypatch, columns=80, lines=24, NO_COLOR="1")


def test_progress__dumb_terminal__lines_with_time_and_level(monkeypatch: pytest.MonkeyPatch) -> None:
    received = screen(monkeypatch, columns=80, lines=24, TERM="dumb")

    assert "\x1b" not in received
    assert (
        f"INFO 2026-01: waiting [red]for Acronis, json_v2_0 in_progress, next poll in 5 s, report {REPORT}"
        in (received)
    )
    assert "WARNING 2026-02: no answer" in received
    assert "INFO 2026-01: loaded, 1 of 9 done" in received
