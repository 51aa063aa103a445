"""The catalogue of named faults: what can go wrong between us and the API, each with one line of meaning.

It is written in `faults.json`. Each name stands for a rule (see `fault_rules`), so a test says
`sandbox.inject("create_answer_lost")`, and a client in another process sends `["create_answer_lost"]` to
`PUT /sandbox/faults`. A name can be varied: `{"use": "stored_503_always", "times": 5}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class NamedFault:
    """A rule with a name, and what it stands for."""

    name: str
    meaning: str
    rule: Mapping[str, Any]


def _load() -> dict[str, NamedFault]:
    text = (files(__package__) / "faults.json").read_text(encoding="utf-8")
    return {
        name: NamedFault(name, entry["meaning"], {"name": name, **entry["rule"]})
        for name, entry in json.loads(text).items()
    }


CATALOGUE = _load()


def resolve(entry: object) -> object:
    """A rule's JSON from an entry of a list of rules: a name of the catalogue, or an object.

    An object may name a catalogue entry in `use`; its other members replace the entry's.

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
