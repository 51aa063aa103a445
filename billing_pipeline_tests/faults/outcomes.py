"""What happens in each named fault: read by the tests, and printed as a table for people.

`ordering_outcomes.json` and `loading_outcomes.json` say what happens, in one phrase, and what a test holds
on to: `error` and `says` (class and part of the message; without them the report is downloaded), `posts` and
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
    return _read("ordering_outcomes.json")


def loading_outcomes() -> dict[str, Outcome]:
    """Faults in a report that arrives whole: they show when it is loaded."""
    return _read("loading_outcomes.json")


def _read(name: str) -> dict[str, Outcome]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return {fault: Outcome(**entry) for fault, entry in json.loads(text).items()}


def table() -> str:
    """Markdown: what goes wrong, and what happens, in the order of the catalogue."""
    outcomes = ordering_outcomes() | loading_outcomes()
    rows = [f"| {fault.meaning} | {outcomes[name].happens} |" for name, fault in CATALOGUE.items()]
    return "\n".join(["| what goes wrong | what happens |", "|---|---|", *rows])


if __name__ == "__main__":
    print(table())
