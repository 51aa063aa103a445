"""What the sandbox offers beside the API, at `/sandbox/…` and without authentication: for checks and tests.

- `GET /sandbox/totals?period=YYYY-MM&level=…&kind=…&hide_zero_usage=…&tenant_id=…`: what a report adds up to.
- `GET /sandbox/requests`: `items`, `counts`, `most_at_once` and `reports_created`; `DELETE` forgets them.
- `GET /sandbox/faults`: the rules in force, with how often each struck; `PUT` replaces them by names
  and rules; `DELETE` removes them all.
- `GET /sandbox/catalogue`: every named fault with its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from billing_pipeline.sandbox.faults import CATALOGUE
from billing_pipeline.sandbox.journal import Journal
from billing_pipeline.sandbox.messages import Answer, Refusal, Request

CONTROL_ROOT = "/sandbox"


class Controlled(Protocol):
    """The sandbox, as far as it is controlled from outside."""

    journal: Journal

    @property
    def reports_created(self) -> int: ...

    @property
    def faults(self) -> list[dict[str, Any]]: ...

    def set_faults(self, *entries: object) -> None: ...

    def totals(
        self, period: str, *, level: str, kind: str, hide_zero_usage: bool, tenant_id: str | None
    ) -> dict[str, object]: ...


class Control:
    """Answers the requests below `/sandbox`."""

    def __init__(self, sandbox: Controlled) -> None:
        self._sandbox = sandbox
        self._operations: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/totals"): self._totals,
            ("GET", "/requests"): self._requests,
            ("DELETE", "/requests"): self._forget_requests,
            ("GET", "/faults"): self._faults,
            ("PUT", "/faults"): self._set_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/catalogue"): self._catalogue,
        }

    def answer(self, request: Request) -> Answer:
        """The answer to a request; nonsense gets a 400 that says why."""
        operation = self._operations.get((request.method, request.path.removeprefix(CONTROL_ROOT)))
        if operation is None:
            return Refusal(404, "not_found", "Not found", f"there is nothing at {request.path}").answer()
        try:
            return operation(request)
        except (ValueError, LookupError) as error:
            return Refusal(400, "bad_request", "Request validation failed", str(error)).answer()

    def _totals(self, request: Request) -> Answer:
        return Answer.of_json(
            self._sandbox.totals(
                request.parameter("period") or "",
                level=request.parameter("level") or "direct_partners",
                kind=request.parameter("kind") or "usage_summary",
                hide_zero_usage=request.parameter("hide_zero_usage") != "false",
                tenant_id=request.parameter("tenant_id"),
            )
        )

    def _requests(self, _: Request) -> Answer:
        journal = self._sandbox.journal
        created = self._sandbox.reports_created
        return Answer.of_json(
            {
                "items": journal.entries,
                "counts": journal.counts,
                "most_at_once": journal.most_at_once,
                "reports_created": created,
            }
        )

    def _forget_requests(self, _: Request) -> Answer:
        self._sandbox.journal.clear()
        return Answer(204)

    def _faults(self, _: Request) -> Answer:
        return Answer.of_json({"rules": self._sandbox.faults})

    def _set_faults(self, request: Request) -> Answer:
        entries = json.loads(request.body)
        if not isinstance(entries, list):
            raise ValueError("the body is a list of names and rules")  # noqa: TRY004 - answered alike
        self._sandbox.set_faults(*entries)
        return self._faults(request)

    def _clear_faults(self, _: Request) -> Answer:
        self._sandbox.set_faults()
        return Answer(204)

    def _catalogue(self, _: Request) -> Answer:
        return Answer.of_json({name: fault.meaning for name, fault in CATALOGUE.items()})
