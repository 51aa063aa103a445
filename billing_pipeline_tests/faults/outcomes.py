"""What happens in each named fault: read by the tests, and printed as a table for people.

`ordering_outcomes.json` says for each fault what happens (one phrase), and what a test can hold on to:
`error` and `says` (class and part of the message; without them the report is downloaded), `posts` and
`created` (orders sent and reports made in that run), `origin` of the report, `warns` (part of a warning),
and `after` (reports made in all, once a run without the fault has followed). `varied` changes its rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from billing_pipeline.sandbox.faults import CATALOGUE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens in a fault; see the module."""

    happens: str
    error: str | None = None
    says: str = ""
    posts: int | None = 1
    created: int = 1
    origin: str = "created"
    warns: str | None = None
    after: int | None = None
    varied: Mapping[str, Any] = field(default_factory=dict)

    @property
    def created_after(self) -> int:
        return self.after if self.after is not None else max(1, self.created)


def ordering_outcomes() -> dict[str, Outcome]:
    """Faults that strike while a report is requested, awaited and downloaded."""
    text = Path(__file__).with_name("ordering_outcomes.json").read_text(encoding="utf-8")
    return {name: Outcome(**entry) for name, entry in json.loads(text).items()}


def table() -> str:
    """Markdown: what goes wrong, and what happens."""
    rows = [
        f"| {CATALOGUE[name].meaning} | {outcome.happens} |" for name, outcome in ordering_outcomes().items()
    ]
    return "\n".join(["| what goes wrong | what happens |", "|---|---|", *rows])


if __name__ == "__main__":
    print(table())
