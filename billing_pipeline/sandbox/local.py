"""The sandbox as one object that can be started and stopped."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self

from billing_pipeline.sandbox.api import Api, find_route
from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.messages import Answer, Request, bad_request
from billing_pipeline.sandbox.names import DIRECT_CHILDREN
from billing_pipeline.sandbox.report_rows import ReportSelection
from billing_pipeline.sandbox.server import RequestHandler, SandboxServer
from billing_pipeline.sandbox.store import Reports
from billing_pipeline.sandbox.totals import report_totals
from billing_pipeline.sandbox.windows import Window

DEFAULT_SEED = 2015
DEFAULT_TENANTS = 40


class Sandbox:
    """A local sandbox of the Acronis account-management API; as a context manager it serves while open.

    Besides the API it serves `GET /sandbox/totals` without authentication, with the arguments of `totals` as
    its query.

    Args:
        port: TCP port on 127.0.0.1; 0 takes a free one.
        tenants: places directly below the distributor; about 30 rows each at level `direct_partners`.
        seed: of the distributor. Rows depend only on seed, tenants and the parameters of the report.
        ready_after_seconds: from the request until the stored reports are saved; in the first quarter of that
            time the list of stored reports is empty, then they are in progress.
        names: of the tenants directly below the distributor, by place.
        lenient: take what the real API takes beyond its documentation: booleans as strings.

    Raises:
        ValueError: the number of tenants is out of range.
        OSError: the port is taken.
    """

    client_id = "f4b2bd1c-9e7f-4a57-9a3f-5a17d0b0c0de"
    client_secret = "sandbox-secret-not-for-production"  # noqa: S105 - opens nothing but the sandbox
    handler: type[RequestHandler] = RequestHandler

    def __init__(
        self,
        port: int = 0,
        *,
        tenants: int = DEFAULT_TENANTS,
        seed: int = DEFAULT_SEED,
        ready_after_seconds: float = 2.0,
        names: Mapping[int, str] = DIRECT_CHILDREN,
        lenient: bool = False,
    ) -> None:
        self.distributor = Distributor(seed, tenants, names)
        self.tenant_id = self.distributor.root.id
        self._reports = Reports(self.distributor, ready_after_seconds)
        self._api = Api(self.client_id, self.client_secret, self._reports, lenient=lenient)
        self._server = SandboxServer(port, self.exchange, self.handler, self._now)

    @property
    def base_url(self) -> str:
        """The data-centre URL, without `/api/2`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> Self:
        """Serve in the background."""
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Close every connection, stop listening and remove the files of the reports."""
        self._server.stop()
        self._reports.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def totals(self, period: str, **parameters: Any) -> dict[str, object]:
        """The control totals of a month's report, computed without rendering it; see `report_totals`.

        Args:
            period: `YYYY-MM`.
            parameters: `level`, `kind`, `hide_zero_usage` and `tenant_id` as in the API; by default
                `direct_partners`, `usage_summary`, true and the client's own tenant.

        Raises:
            ValueError: the period is not `YYYY-MM`, or the level or kind is unknown.
            LookupError: there is no such tenant.
        """
        parameters = dict[str, Any](tenant_id=self.tenant_id, hide_zero_usage=True) | parameters
        selection = ReportSelection(period=Window.of_month(period), **parameters)
        return {"period": period, **report_totals(self.distributor, selection)}

    def _now(self) -> datetime:
        """The sandbox's clock, which can be replaced later."""
        return self._reports.now()

    @contextmanager
    def exchange(self, request: Request) -> Iterator[Answer]:
        """The answer to any request; the context ends when the answer has been sent."""
        if request.method == "GET" and request.path == "/sandbox/totals":
            yield self._totals_answer(request.parameters)
        else:
            yield self._api.answer(request, *find_route(request))

    def _totals_answer(self, query: dict[str, str]) -> Answer:
        hide_zero_usage = query.get("hide_zero_usage") != "false"
        named = {name: query[name] for name in ("level", "kind", "tenant_id") if name in query}
        try:
            totals = self.totals(query.get("period", ""), hide_zero_usage=hide_zero_usage, **named)
        except (ValueError, LookupError) as error:
            return bad_request(str(error)).answer
        return Answer.of_json(totals)
