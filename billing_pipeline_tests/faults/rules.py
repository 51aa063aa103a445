"""Fault rules: which requests fail, when, and how."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from billing_pipeline.sandbox.api import ROUTES
from billing_pipeline_tests.faults.content import CORRUPTIONS
from billing_pipeline_tests.faults.delivery import PARTIAL, SILENT

ROUTE_NAMES = tuple(name for name, _, _ in ROUTES)
ENCODINGS = ("no_header", "no_gzip", "truncated", "bad_crc", "bomb", "twice", "garbage")
# Each type of fault with its options, which `injector` explains.
TYPES: Mapping[str, frozenset[str]] = {
    "answer": frozenset({"status", "headers", "json", "text", "error", "login_page", "carried_out"}),
    "echo": frozenset({"status"}),
    "redirect": frozenset({"status", "location"}),
    "silence": frozenset({"how", "seconds", "carried_out"}),
    "delay": frozenset({"seconds"}),
    "delivery": frozenset({"how", "at", "seconds"}),
    "encoding": frozenset({"how", "bytes"}),
    "content": frozenset({"how"}),
    "merge": frozenset({"json", "status"}),
    "stored": frozenset({"set", "drop", "empty", "omit", "size_offset"}),
    "token": frozenset({"expires_in", "valid_requests", "drop"}),
    "revoke": frozenset(),
}
_CHOICES = {"silence": SILENT, "delivery": PARTIAL, "encoding": set(ENCODINGS), "content": set(CORRUPTIONS)}


@dataclass
class FaultRule:
    """One fault, and the requests that it affects.

    Args:
        route: the operations affected, or `any`; see `ROUTE_NAMES`.
        fault: `type` and its options.
        name: for the log of requests.
        format: affects only the download, or the stored-reports item, of this report format.
        after: number of matching requests that pass first.
        times: number of requests affected; None: no limit.
        every: affects only every n-th of the matching requests.
        first_reports: affects only requests about the first n reports created.
    """

    route: Sequence[str]
    fault: Mapping[str, Any]
    name: str = ""
    format: str | None = None
    after: int = 0
    times: int | None = None
    every: int = 1
    first_reports: int | None = None
    seen: int = 0
    struck: int = 0

    @classmethod
    def parse(cls, value: object) -> FaultRule:
        """A rule from its JSON.

        Raises:
            ValueError: it is not a rule; the message says why.
        """
        if not isinstance(value, dict):
            raise ValueError("a rule is an object")  # noqa: TRY004 - a bad value like all others
        if unknown := set(value) - _RULE_KEYS:
            raise ValueError(f"a rule has no {sorted(unknown)[0]}; it has {', '.join(sorted(_RULE_KEYS))}")
        route = value.get("route")
        routes = [route] if isinstance(route, str) else route
        if not isinstance(routes, list) or not routes or set(routes) - {*ROUTE_NAMES, "any"}:
            raise ValueError(f"route is one or some of {', '.join(ROUTE_NAMES)}, any")
        for name in ("after", "times", "every", "first_reports"):
            number = value.get(name)
            if number is not None and (type(number) is not int or number < 0):
                raise ValueError(f"{name} is a number from 0 on")
        return cls(**{**value, "route": routes, "fault": _checked_fault(value.get("fault"))})

    def as_json(self) -> dict[str, Any]:
        """The rule, how many requests it has `seen` and how many it `struck`."""
        return {key: getattr(self, key) for key in (*sorted(_RULE_KEYS), "seen", "struck")}

    def matches(self, route: str, report_format: str | None, report_number: int | None) -> bool:
        """True if the rule is about this request, even if `after`, `every` or `times` let it pass."""
        if route not in self.route and "any" not in self.route:
            return False
        if self.format and route == "download" and report_format != self.format:
            return False
        return self.first_reports is None or (
            report_number is not None and report_number <= self.first_reports
        )


_RULE_KEYS = {"route", "fault", "name", "format", "after", "times", "every", "first_reports"}


def _checked_fault(fault: object) -> Mapping[str, Any]:
    if not isinstance(fault, dict) or fault.get("type") not in TYPES:
        raise ValueError(f"fault is an object with a type: {', '.join(TYPES)}")
    kind = fault["type"]
    if unknown := set(fault) - TYPES[kind] - {"type"}:
        raise ValueError(
            f"a fault of type {kind} has no {sorted(unknown)[0]}; it has {', '.join(sorted(TYPES[kind]))}"
        )
    if kind in _CHOICES and fault.get("how") not in _CHOICES[kind]:
        raise ValueError(f"how of {kind} is one of {', '.join(sorted(_CHOICES[kind]))}")
    return fault


@dataclass
class FaultRules:
    """The rules in force; the first one whose turn it is affects the request."""

    rules: list[FaultRule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replace(self, rules: list[FaultRule]) -> None:
        """Put these rules in force instead of all others."""
        with self._lock:
            self.rules = rules

    def match(
        self, route: str, report_format: str | None = None, report_number: int | None = None
    ) -> FaultRule | None:
        """The rule that affects this request, if any; counts the request."""
        with self._lock:
            chosen = None
            for rule in self.rules:
                if not rule.matches(route, report_format, report_number):
                    continue
                rule.seen += 1
                turn = rule.seen - rule.after
                if (
                    chosen is None
                    and turn > 0
                    and (turn - 1) % max(rule.every, 1) == 0
                    and (rule.times is None or rule.struck < rule.times)
                ):
                    rule.struck += 1
                    chosen = rule
            return chosen

    def lasting_content(self, report_format: str, report_number: int | None) -> FaultRule | None:
        """The rule that corrupts every download of the format, if any."""
        for rule in self.rules:
            if (
                rule.fault["type"] == "content"
                and rule.times is None
                and rule.matches("download", report_format, report_number)
            ):
                return rule
        return None
