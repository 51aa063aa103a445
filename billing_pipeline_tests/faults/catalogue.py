"""The fault catalogue: everything that can go wrong between us and the API, and what happens then.

`catalogue.json` has for each named fault its `meaning` in one phrase, the `rule` that produces it (see
`rules`) and the `outcome` that a test asserts. A test names the fault, `sandbox.set_faults("create_403")`, or
varies it: `{"use": "stored_503_always", "times": 5}`.

`python -m billing_pipeline_tests.faults.catalogue` prints the table of docs/faults.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens in a fault.

    Args:
        stage: `ordering` if it shows while a report is requested, awaited and downloaded; `loading` if the
            report is downloaded completely.
        happens: in one phrase, for people.
        error, says: class and part of the message; without them the run succeeds.
        posts, created: creation requests sent and reports created in that run; None: any number.
        origin: how the run came by its report, as in its manifest.
        warns: part of a warning.
        after: reports created in all, once a run without the fault has followed.
        varied: changes of the rule for the test of the outcome.
    """

    stage: Literal["ordering", "loading"]
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
        """Reports created in all, once a run without the fault has followed."""
        return self.after if self.after is not None else max(1, self.created)


@dataclass(frozen=True, slots=True)
class Fault:
    """A named fault."""

    name: str
    meaning: str
    rule: Mapping[str, Any]
    outcome: Outcome


def _load() -> dict[str, Fault]:
    text = Path(__file__).with_name("catalogue.json").read_text(encoding="utf-8")
    return {
        name: Fault(name, entry["meaning"], {"name": name, **entry["rule"]}, Outcome(**entry["outcome"]))
        for name, entry in json.loads(text).items()
    }


CATALOGUE = _load()


def outcomes(stage: str) -> dict[str, Outcome]:
    """The outcomes of the faults that show in a stage, by the names of the faults."""
    return {name: fault.outcome for name, fault in CATALOGUE.items() if fault.outcome.stage == stage}


def resolve(entry: object) -> object:
    """The JSON of a rule, from a name of the catalogue, a variation of one, or the JSON itself.

    Raises:
        ValueError: there is no fault of that name.
    """
    changes = entry if isinstance(entry, dict) else {}
    name = entry if isinstance(entry, str) else changes.get("use")
    if name is None:
        return entry
    if not isinstance(name, str) or name not in CATALOGUE:
        raise ValueError(f"there is no fault named {name}")
    return {**CATALOGUE[name].rule, **{key: value for key, value in changes.items() if key != "use"}}


def table() -> str:
    """Markdown: what goes wrong, and what happens, in the order of the catalogue."""
    rows = [f"| {fault.meaning} | {fault.outcome.happens} |" for fault in CATALOGUE.values()]
    return "\n".join(["| what goes wrong | what happens |", "|---|---|", *rows])


if __name__ == "__main__":
    print(table())
