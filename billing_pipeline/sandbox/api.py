"""The API under /api/2: the answer to each request. `server` handles HTTP itself."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from hmac import compare_digest
from urllib.parse import parse_qs, unquote

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.messages import Answer, ApiError, Request
from billing_pipeline.sandbox.report_request import UUID_PATTERN, parse_report_request
from billing_pipeline.sandbox.store import Clock, CreatedReport, Reports, Tokens

API_ROOT = "/api/2"
_ID = r"([^/]+)"
# One name for each operation.
ROUTES: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (name, method, re.compile(API_ROOT + pattern))
    for name, method, pattern in (
        ("token", "POST", "/idp/token"),
        ("client", "GET", f"/clients/{_ID}"),
        ("create_report", "POST", "/reports"),
        ("report", "GET", f"/reports/{_ID}"),
        ("delete_report", "DELETE", f"/reports/{_ID}"),
        ("tenant_reports", "GET", f"/tenants/{_ID}/reports"),
        ("stored_reports", "GET", f"/reports/{_ID}/stored"),
        ("download", "GET", f"/reports/{_ID}/stored/{_ID}"),
    )
)
ROUTE_NAMES = tuple(name for name, _, _ in ROUTES)


def find_route(request: Request) -> tuple[str, tuple[str, ...]]:
    """The name of the route and the ids in its path; `unknown` or `method_not_allowed` if there is none."""
    path_known = False
    for name, method, pattern in ROUTES:
        match = pattern.fullmatch(request.path)
        if match and method == request.method:
            return name, tuple(unquote(group) for group in match.groups())
        path_known = path_known or match is not None
    return ("method_not_allowed" if path_known else "unknown"), ()


class Api:
    """Answers the requests below /api/2.

    Args:
        client_id, client_secret: the credentials that are accepted.
        distributor: whose tenants can be reported.
        tokens, reports: what has been issued and created so far.
        now: the clock of the server, in aware UTC times.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        distributor: Distributor,
        tokens: Tokens,
        reports: Reports,
        now: Clock,
    ) -> None:
        self._client_id = client_id
        self._credentials = f"{client_id}:{client_secret}".encode()
        self._distributor = distributor
        self._tokens = tokens
        self._reports = reports
        self._now = now
        self._operations: Mapping[str, Callable[..., Answer]] = {
            "client": self._client,
            "create_report": self._create_report,
            "report": self._report,
            "delete_report": self._delete_report,
            "tenant_reports": self._tenant_reports,
            "stored_reports": self._stored_reports,
            "download": self._download,
        }

    def answer(self, request: Request) -> Answer:
        """The answer to a request; mistakes of the client get an error answer."""
        route, ids = find_route(request)
        try:
            if route == "token":
                return self._token(request)
            if request.path.startswith(API_ROOT + "/"):
                self._authorize(request)
            operation = self._operations.get(route)
            if operation is not None:
                return operation(request, *ids)
        except ApiError as error:
            return error.answer()
        if route == "method_not_allowed":
            return ApiError(405, route, "Method not allowed").answer()
        return ApiError(404, "not_found", "Not found", f"there is nothing at {request.path}").answer()

    def _token(self, request: Request) -> Answer:
        if request.media_type != "application/x-www-form-urlencoded":
            return _token_error(400, "invalid_request", "The body must be a form")
        if parse_qs(request.body.decode(errors="replace")).get("grant_type") != ["client_credentials"]:
            return _token_error(400, "unsupported_grant_type", "grant_type must be client_credentials")
        if not compare_digest(_basic_credentials(request), self._credentials):
            answer = _token_error(401, "invalid_client", "Client authentication failed")
            answer.headers["WWW-Authenticate"] = 'Basic realm="idp"'
            return answer
        token, expires_on = self._tokens.issue()
        return Answer.of_json({"access_token": token, "token_type": "bearer", "expires_on": expires_on})

    def _authorize(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._tokens.is_valid(token.strip()):
            raise ApiError(
                401, "unauthorized", "Unauthorized", "the access token is missing, invalid or expired"
            )

    def _client(self, _: Request, client_id: str) -> Answer:
        if client_id != self._client_id:
            raise ApiError(404, "not_found", "Client not found", id=client_id)
        return Answer.of_json(
            {
                "client_id": client_id,
                "created_at": "2015-01-05T09:00:00+00:00",
                "data": {"client_name": "billing pipeline"},
                "status": "enabled",
                "tenant_id": self._distributor.root.id,
                "type": "api_client",
            }
        )

    def _create_report(self, request: Request) -> Answer:
        report = parse_report_request(request, self._now().date())
        self._check_tenant(report.selection.tenant_id)
        return Answer.of_json(self._reports.create(report).answer())

    def _report(self, _: Request, report_id: str) -> Answer:
        return Answer.of_json(self._existing(report_id).answer())

    def _delete_report(self, request: Request, report_id: str) -> Answer:
        report = self._existing(report_id)
        version = request.parameter("version")
        if version is None or not version.isdecimal():
            raise ApiError(400, "bad_request", "Request validation failed", "version is required")
        if int(version) != report.version:
            raise ApiError(409, "conflict", "The report has another version", id=report_id)
        report.deleted = True
        return Answer(204)

    def _tenant_reports(self, _: Request, tenant_id: str) -> Answer:
        self._check_tenant(tenant_id)
        return Answer.of_json({"items": self._reports.of_tenant(tenant_id)})

    def _stored_reports(self, _: Request, report_id: str) -> Answer:
        return Answer.of_json({"items": self._reports.poll(self._existing(report_id))})

    def _download(self, _: Request, report_id: str, stored_id: str) -> Answer:
        stored = self._reports.stored(self._existing(report_id), stored_id)
        if stored is None:
            raise ApiError(404, "not_found", "Stored report not found", id=stored_id)
        return Answer(
            200, stored.path, {"Content-Type": "application/octet-stream", "Content-Encoding": "gzip"}
        )

    def _existing(self, report_id: str) -> CreatedReport:
        report = self._reports.get(report_id)
        if report is None:
            raise ApiError(404, "not_found", "Report not found", id=report_id)
        return report

    def _check_tenant(self, tenant_id: str) -> None:
        if not re.fullmatch(UUID_PATTERN, tenant_id):
            raise ApiError(400, "bad_request", "Request validation failed", "tenant id must be a UUID")
        if self._distributor.find(tenant_id) is None:
            raise ApiError(
                403, "forbidden", "Access denied", "the tenant is not below the client's tenant", id=tenant_id
            )


def _token_error(status: int, error: str, description: str) -> Answer:
    return Answer.of_json({"error": error, "error_description": description}, status)


def _basic_credentials(request: Request) -> bytes:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(value.strip(), validate=True)
    except binascii.Error:
        return b""
