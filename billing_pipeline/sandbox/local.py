"""The sandbox as one thing that can be started and stopped."""

from __future__ import annotations

import gzip
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from billing_pipeline.sandbox.api import Account, Api, find_route
from billing_pipeline.sandbox.control import CONTROL_ROOT, Control
from billing_pipeline.sandbox.delivery import SILENT, WHOLE, Delivery
from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.fault_answers import Saboteur
from billing_pipeline.sandbox.fault_content import spoil
from billing_pipeline.sandbox.fault_rules import FaultBook, FaultRule
from billing_pipeline.sandbox.faults import resolve
from billing_pipeline.sandbox.journal import Journal
from billing_pipeline.sandbox.messages import Answer, Request
from billing_pipeline.sandbox.report_rows import KINDS, LEVELS, ReportSelection
from billing_pipeline.sandbox.server import SandboxServer
from billing_pipeline.sandbox.store import Reports, Tokens
from billing_pipeline.sandbox.totals import report_totals
from billing_pipeline.sandbox.windows import Window

DEFAULT_SEED = 2015
DEFAULT_TENANTS = 40
DEFAULT_CLIENT_ID = "f4b2bd1c-9e7f-4a57-9a3f-5a17d0b0c0de"
DEFAULT_CLIENT_SECRET = "sandbox-secret-not-for-production"  # noqa: S105 - opens nothing but the sandbox
TOKEN_LIFETIME_SECONDS = 2 * 3600


class Sandbox:
    """A local stand-in for the Acronis account-management API; as a context manager it serves while open.

    Args:
        port: TCP port on 127.0.0.1; 0 takes a free one.
        tenants: places directly below the distributor; about 30 rows each in a report on direct partners.
        seed: which distributor. Reports depend on seed, tenants, period and the order's parameters only.
        ready_after_seconds: from an order until its stored reports are saved; the first quarter of it they
            are not listed, then they are in progress.
        empty_looks, in_progress_looks: at least so many looks at the stored reports see an empty list, then
            `in_progress`, however much time has passed.
        client_id, client_secret: the API client that is let in.
        now: the server's clock as aware UTC times: decides which periods are in the future, when tokens
            expire and what `created_at` says. Readiness is always measured in real seconds.
        token_lifetime_seconds: validity of access tokens.
        json_layout: layout of json_v2_0: `flat`, `grouped`, `grouped_items` or `dotted`.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        tenants: int = DEFAULT_TENANTS,
        seed: int = DEFAULT_SEED,
        ready_after_seconds: float = 2.0,
        empty_looks: int = 0,
        in_progress_looks: int = 0,
        client_id: str = DEFAULT_CLIENT_ID,
        client_secret: str = DEFAULT_CLIENT_SECRET,
        now: Callable[[], datetime] | None = None,
        token_lifetime_seconds: int = TOKEN_LIFETIME_SECONDS,
        json_layout: str = "flat",
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.distributor = Distributor(seed, tenants)
        self.tenant_id = self.distributor.root.id
        self.journal = Journal()
        clock = now or (lambda: datetime.now(UTC))
        self._folder = tempfile.TemporaryDirectory(prefix="billing-pipeline-sandbox-")
        self._reports = Reports(
            self.distributor,
            Path(self._folder.name),
            clock,
            ready_after_seconds=ready_after_seconds,
            empty_looks=empty_looks,
            in_progress_looks=in_progress_looks,
            json_layout=json_layout,
        )
        tokens = Tokens(clock, token_lifetime_seconds)
        self._api = Api(Account(client_id, client_secret), self.distributor, tokens, self._reports, clock)
        self._control = Control(self)
        self._stopping = threading.Event()
        self._book = FaultBook()
        self._saboteur = Saboteur(tokens, client_secret, lambda: self.port, self._stopping.wait)
        self._port = port
        self._server: SandboxServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running")
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        """The data-centre URL, without `/api/2`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def reports_created(self) -> int:
        """How many reports were created since the start, deleted ones included."""
        return self._reports.created

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The API requests so far; see `Journal.entries`."""
        return self.journal.entries

    @property
    def request_counts(self) -> Counter[str]:
        """Number of API requests by method and route, such as `POST create_report`."""
        return self.journal.counts

    @property
    def most_at_once(self) -> dict[str, int]:
        """The most open reports and downloads at one time; see `Journal.most_at_once`."""
        return self.journal.most_at_once

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The fault rules in force, with how many requests each has `seen` and `struck`."""
        return [rule.as_json() for rule in self._book.rules]

    def set_faults(self, *entries: object) -> None:
        """Put these faults in force instead of all others; none: everything works again.

        Args:
            entries: names of the catalogue, variations such as `{"use": name, "times": 3}`, or whole rules.

        Raises:
            ValueError: an entry is none of these.
        """
        self._book.replace([FaultRule.parse(resolve(entry)) for entry in entries])

    def start(self) -> Self:
        """Listen and serve in the background.

        Raises:
            OSError: the port is taken.
        """
        self._server = SandboxServer(self._port, self, self._stopping)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection, stop listening and remove the reports' files."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()
            self._server = self._thread = None
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def totals(
        self,
        period: str,
        *,
        level: str = "direct_partners",
        kind: str = "usage_summary",
        hide_zero_usage: bool = True,
        tenant_id: str | None = None,
    ) -> dict[str, object]:
        """What a report on the month adds up to, counted without writing one; see `totals.report_totals`.

        Raises:
            ValueError: the period is not `YYYY-MM`, or the level or kind is unknown.
            LookupError: there is no such tenant.
        """
        if level not in LEVELS or kind not in KINDS:
            raise ValueError(f"level is one of {', '.join(LEVELS)}; kind is one of {', '.join(KINDS)}")
        window = Window.of_month(period)
        selection = ReportSelection(tenant_id or self.tenant_id, window, kind, level, hide_zero_usage)
        named = {"period": period, "level": level, "kind": kind, "hide_zero_usage": hide_zero_usage}
        return {**named, "tenant_id": selection.tenant_id, **report_totals(self.distributor, selection)}

    @contextmanager
    def exchange(self, request: Request) -> Iterator[tuple[Answer, Delivery]]:
        """The answer to any request, and how to deliver it; the block ends when it has been delivered."""
        if request.path.startswith(CONTROL_ROOT + "/"):
            yield self._control.answer(request), WHOLE
            return
        route, ids = find_route(request)
        entry = self.journal.note(request, route)
        try:
            yield self._answered(request, route, ids, entry)
        finally:
            entry["ended"] = time.time()

    def _answered(
        self, request: Request, route: str, ids: tuple[str, ...], entry: dict[str, Any]
    ) -> tuple[Answer, Delivery]:
        report_format, number = self._subject(route, ids)
        rule = self._book.strike(route, report_format, number)

        def real() -> Answer:
            answer = self._api.answer(request)
            return self._with_spoiled_sizes(answer, ids[0]) if route == "stored_reports" else answer

        if rule is None:
            answer, delivery = real(), WHOLE
        else:
            entry["fault"] = rule.name or rule.fault["type"]
            answer, delivery = self._saboteur.apply(rule, request, real)
        entry["status"] = None if delivery.how in SILENT else answer.status
        if ids and self._reports.get(ids[0]):
            entry["report_id"] = ids[0]
        elif route == "create_report" and answer.status == 200:
            with suppress(ValueError, TypeError):  # a fault may answer with anything
                entry["report_id"] = dict(json.loads(answer.content())).get("id")
        return answer, delivery

    def _subject(self, route: str, ids: tuple[str, ...]) -> tuple[str | None, int | None]:
        """The report format that is downloaded, and which report it is about (1 for the first)."""
        if route == "create_report":
            return None, self._reports.created + 1
        report = self._reports.get(ids[0]) if ids else None
        if report is None:
            return None, None
        stored = self._reports.stored(report, ids[1]) if route == "download" else None
        return (stored.report_format if stored else None), report.number

    def _with_spoiled_sizes(self, answer: Answer, report_id: str) -> Answer:
        """Where a rule spoils a file, its stated size is the spoiled one's, lest it give the fault away."""
        report = self._reports.get(report_id)
        if report is None or answer.status != 200:
            return answer
        items = json.loads(answer.content())["items"]
        for item in items:
            rule = self._book.lasting_content(item["report_format"], report.number)
            stored = self._reports.stored(report, item["id"]) if rule and "id" in item else None
            if rule and stored:
                item["size"] = len(spoil(rule.fault["how"], gzip.decompress(stored.path.read_bytes())))
        return Answer.of_json({"items": items})
