"""A sandbox in which things go wrong."""

from __future__ import annotations

import gzip
import json
import threading
from typing import Any

from billing_pipeline.sandbox.messages import Answer, Request
from billing_pipeline_tests.faults.catalogue import resolve
from billing_pipeline_tests.faults.content import corrupt
from billing_pipeline_tests.faults.delivery import BrokenAnswer, FaultyHandler
from billing_pipeline_tests.faults.injector import FaultInjector, packed, prepare
from billing_pipeline_tests.faults.rules import FaultRule, FaultRules
from billing_pipeline_tests.faults.tokens import TokenLimits
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox


class FaultySandbox(RecordingSandbox):
    """A sandbox whose answers can be replaced, changed, cut or withheld; without faults it is a plain one.

    Args are those of `RecordingSandbox`.
    """

    handler = FaultyHandler

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._rules = FaultRules()
        self._limits = TokenLimits()
        self._stopping = threading.Event()
        self._injector = FaultInjector(self._limits, self.client_secret, lambda: self.port, self._stopping)

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        return self._server.server_port

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The rules in force, with how many requests each has `seen` and `struck`."""
        return [rule.as_json() for rule in self._rules.rules]

    def set_faults(self, *entries: object) -> None:
        """Put these faults in force instead of all others; without any, everything works again.

        Args:
            entries: names of the catalogue, variations such as `{"use": name, "times": 3}`, or whole rules.

        Raises:
            ValueError: an entry is none of these.
        """
        rules = [FaultRule.parse(resolve(entry)) for entry in entries]
        for rule in rules:
            prepare(rule.fault)
        self._rules.replace(rules)

    def stop(self) -> None:
        """End all waits, then stop."""
        self._stopping.set()
        super().stop()

    def answer(self, request: Request, route: str, ids: tuple[str, ...], entry: dict[str, Any]) -> Answer:
        """The answer without faults, or what the matching rule makes of it."""

        def real() -> Answer:
            answer = super(FaultySandbox, self).answer(self._limits.apply(request), route, ids, entry)
            if route == "token":
                self._limits.note(answer)
            return self._with_corrupted_sizes(answer, ids[0]) if route == "stored_reports" else answer

        rule = self._rules.match(route, *self._subject(route, ids))
        if rule is None:
            return real()
        answer = self._injector.apply(rule, request, real)
        silent = isinstance(answer, BrokenAnswer) and answer.status == 0
        entry |= {"fault": rule.name or rule.fault["type"], "status": None if silent else answer.status}
        return answer

    def _subject(self, route: str, ids: tuple[str, ...]) -> tuple[str | None, int | None]:
        """The format that is downloaded, and which report the request is about (1 for the first)."""
        if route == "create_report":
            return None, self.reports_created + 1
        report = self._reports.get(ids[0]) if ids else None
        if report is None:
            return None, None
        stored = report.find(ids[1]) if route == "download" else None
        return (stored.report_format if stored else None), self._number(report.id)

    def _number(self, report_id: str) -> int:
        """1 for the first report that was created."""
        return list(self._reports.created).index(report_id) + 1

    def _with_corrupted_sizes(self, answer: Answer, report_id: str) -> Answer:
        """Where a rule corrupts a file, state the size of the corrupted one: the size must not reveal it."""
        report = self._reports.get(report_id)
        if report is None or answer.status != 200:
            return answer
        items = json.loads(answer.body)["items"]
        for item in items:
            rule = self._rules.lasting_content(item["report_format"], self._number(report.id))
            stored = report.find(item["id"]) if rule and "id" in item else None
            if rule and stored:
                content = corrupt(rule.fault["how"], gzip.decompress(stored.path.read_bytes()))
                item["size"] = len(packed(content))
        return Answer.of_json({"items": items})
