"""Random reports: any layout, key order, white space and escaping; right ones, and ones that are not."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from billing_pipeline_tests.normalize.loading import PARAMS
from billing_pipeline_tests.normalize.reference import MEASURES


class Token(str):
    """JSON text that is written verbatim."""


_small = st.integers(-5, 5)
_integers = st.one_of(
    _small,
    _small,
    st.integers(-(10**12), 10**12),
    st.integers(-(10**22) + 1, 10**22 - 1),
    st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**22 - 1, 1 - 10**22, 18, -18, 54, 1234567]),
)
_whole_numbers_otherwise = st.sampled_from(
    ["1e3", "1500.0", "-0", "-0.0", "25E1", "1.5e1", "12300e-2", "0e9", "0.5", "-17.999999", '"18"', '"1.5"']
).map(Token)
measures = st.one_of(*[_integers] * 12, _whole_numbers_otherwise)
texts = st.one_of(
    st.sampled_from(
        [
            "",
            "Müller GmbH",
            'a "b" \\ c',
            "},{",
            "]}",
            '"},{"application":{',
            "株式会社",
            "😀",
            "\u2028",
            "\x00",
        ]
    ),
    st.text(max_size=8),
)
uuids = st.uuids().map(str)
decimals = st.one_of(
    st.none(),
    st.sampled_from(["", "0.35", "12", "-7.5", "1.10", "0.100000000000000", "99999999999999999999.999999"]),
    st.integers(0, 10**20),
    st.sampled_from([True, "1,5", "0.12345678901234567", [1], 10**40]),
    st.decimals(-(10**9), 10**9, places=6).map(lambda number: Token(format(number, "f"))),
    st.sampled_from(["1e3", "2.5E-3", "0.1", "1e-6", "12.000000000000000000000000000000000"]).map(Token),
)
_unknown_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**25), 10**25),
        texts,
        st.sampled_from(["0.1234567890123456789", "1e400", "1.50"]).map(Token),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(texts, inner, max_size=2)),
    max_leaves=4,
)
_unknown_names = st.sampled_from(
    ["extra", "report_row", "skus", "tenant.level", "usage.note", "infra.region", "a.b", "x y", "größe"]
)
unknown = st.one_of(*[st.just({})] * 4, st.dictionaries(_unknown_names, _unknown_values, max_size=2))


KNOWN_UNITS = [
    "bytes",
    "seconds",
    "quantity",
    " Seconds\t",
    "BYTES",
    " Quantity",
    "\n",
    "",
    "n/a",
    " N/A ",
    None,
    ...,
]


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A usage row by dotted names; some of what is optional is null, empty or absent."""
    empty_text = st.sampled_from([None, "", ...])
    row: dict[str, Any] = {
        "date": draw(st.sampled_from(["2026-09-01", "2026-09-15", "2026-09-30"])),
        "is_range": draw(st.booleans()),
        "measurement_unit": draw(st.sampled_from([*KNOWN_UNITS, "n/b", "n/b "])),
        "name": draw(texts.filter(bool)),
        "tenant.id": draw(uuids),
        "tenant.customer_id": draw(st.one_of(st.none(), st.integers(0, 10**9), texts)),
    }
    for name in ("application.name", "edition", "sku", "infra.name", "infra.backend_type", "pricing.mode",
                 "pricing.currency", "tenant.kind", "tenant.name"):  # fmt: skip
        row[name] = draw(st.one_of(empty_text, texts))
    for name in ("application.id", "infra.id", "infra.owner_id"):
        row[name] = draw(st.one_of(empty_text, uuids))
    for name in ("quota.value", "pricing.price", "pricing.total_cost"):
        row[name] = draw(decimals)
    seconds = row["measurement_unit"] in {"seconds", " Seconds\t"}
    for name in MEASURES:
        small = seconds and name.startswith("delta")
        row[f"usage.{name}"] = draw(st.integers(-(10**19), 10**19) if small else measures)
        if name.startswith("effective"):
            row[f"usage.{name}"] = draw(st.one_of(st.just(row[f"usage.{name}"]), decimals))
    row |= draw(unknown)
    return {name: value for name, value in row.items() if value is not ...}


@st.composite
def reports(draw: st.DrawFn, row: st.SearchStrategy[dict[str, Any]] = rows()) -> bytes:  # noqa: B008
    """A report in one layout, or in several at once."""
    found = draw(st.lists(row, max_size=9))
    _add_regular_fields(draw, found)
    chance = random.Random(draw(st.integers(0, 2**32)))
    style = draw(st.sampled_from(["nested", "dotted", "mixed"]))
    grouped = draw(st.sampled_from([None, "usages", "items", "mixed"]))
    elements: list[Any] = []
    while found:
        kind = chance.choice([None, "usages", "items"]) if grouped == "mixed" else grouped
        if kind is None:
            elements.append(_shaped(found.pop(0), style, chance))
            continue
        count = chance.randrange(0, 4)
        group, found = found[:count], found[count:]
        shared = _shared(group, chance)
        bare = chance.random() < 0.3
        element = _shaped(
            {name.removeprefix("tenant.") if bare else name: value for name, value in shared.items()},
            style,
            chance,
        )
        element[kind] = [
            _shaped({n: v for n, v in each.items() if n not in shared}, style, chance) for each in group
        ]
        elements.append(element)
    envelope: dict[str, Any] = {"params": PARAMS, "tenants": elements}
    if chance.random() < 0.3:
        envelope["version"] = {"tenants": [1, "]}"]}
    loose, breaks = draw(st.sampled_from([0, 0, 0.3])), draw(st.sampled_from(_BREAKS))
    return written(_shuffled(envelope, chance), chance, loose, breaks).encode()


def _add_regular_fields(draw: st.DrawFn, found: list[dict[str, Any]]) -> None:
    """Fields that Acronis might add, in all rows or some; prices as numbers."""
    for name in draw(st.lists(st.sampled_from(["region", "infra.zone", "tenant.level", "Name"]), max_size=2)):
        always = draw(st.booleans())
        values = st.one_of(texts, st.integers(-(10**25), 10**25), st.booleans())
        for row in found:
            if always:
                row[name] = draw(st.one_of(st.none(), values))
            elif draw(st.booleans()):
                row[name] = draw(values)
    if draw(st.booleans()):
        for row in found:
            row["pricing.price"] = draw(st.one_of(st.none(), prices))


Breaks = tuple[list[str], list[str]]
_NO_BREAKS: Breaks = ([""], [""])
_BREAKS: list[Breaks] = [
    _NO_BREAKS,
    (["\n"], [""]),
    (["\n", "\n", ""], [""]),
    (["\n", ""], ["\n", "", "", "", ""]),
    (["\r\n"], [""]),
]
"""What may stand behind the commas of a list, and behind those of an object."""

prices = st.decimals(-(10**6), 10**6, places=4).map(lambda number: Token(str(number)))


def _shared(group: list[dict[str, Any]], chance: random.Random) -> dict[str, Any]:
    names = ["tenant.id", "tenant.name", "tenant.kind", "tenant.customer_id"]
    if not group:
        return {}
    # What an element carries is the same for all its rows: they take it from the first.
    for row in group[1:]:
        for name in names:
            row.pop(name, None)
            if name in group[0]:
                row[name] = group[0][name]
    return {name: group[0][name] for name in names if name in group[0]}


def _shaped(row: Mapping[str, Any], style: str, chance: random.Random) -> dict[str, Any]:
    shaped: dict[str, Any] = {}
    for name, value in row.items():
        keys = name.split(".")
        if style == "dotted" or (style == "mixed" and chance.random() < 0.3) or name == "a.b":
            keys = [name]
        node = shaped
        for key in keys[:-1]:
            node = node.setdefault(key, {})
        node[keys[-1]] = value
    return _shuffled(shaped, chance) if chance.random() < 0.3 else shaped


def _shuffled(found: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    items = list(found.items())
    chance.shuffle(items)
    return dict(items)


def written(value: Any, chance: random.Random, loose: float, breaks: Breaks = _NO_BREAKS) -> str:
    """JSON text of a value, with white space and escapes as chance has it.

    Args:
        loose: how likely white space or an escape is at each place.
        breaks: line breaks behind commas.
    """
    in_lists, in_objects = breaks

    def space() -> str:
        return "".join(chance.choices(" \t\n\r", k=chance.randrange(3))) if chance.random() < loose else ""

    if isinstance(value, Token):
        return str(value)
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=chance.random() < 0.5)
        if chance.random() < loose:
            text = "".join(
                f"\\u{ord(c):04x}" if c.isalnum() and ord(c) < 128 and chance.random() < 0.3 else c
                for c in value
            )
            text = json.dumps(value) if any(not c.isalnum() for c in value) else f'"{text}"'
        return text
    if isinstance(value, dict):
        members = [
            space().join(("", written(key, chance, loose), ":", written(each, chance, loose, breaks), ""))
            for key, each in value.items()
        ]
        return "{" + (_joined(members, chance, in_objects) or space()) + "}"
    if isinstance(value, list):
        elements = [space() + written(each, chance, loose, breaks) + space() for each in value]
        return "[" + (_joined(elements, chance, in_lists) or space()) + "]"
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value)


def _joined(texts: list[str], chance: random.Random, breaks: list[str]) -> str:
    return "".join(text + "," + chance.choice(breaks) for text in texts[:-1]) + "".join(texts[-1:])
