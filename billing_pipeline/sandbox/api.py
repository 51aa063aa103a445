"""The API under /api/2: the response to each request. `server` handles HTTP."""

import base64
import re
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, unquote

from billing_pipeline.sandbox.distributor import Tenant
from billing_pipeline.sandbox.messages import Answer, ApiError, Request, bad_request
from billing_pipeline.sandbox.report_request import parse_report_request
from billing_pipeline.sandbox.store import VERSION, CreatedReport, Reports
from billing_pipeline.sandbox.windows import month_number

TOKEN_LIFETIME_SECONDS = 2 * 3600
_API_ROOT = "/api/2"
_ID = r"([^/]+)"
# Each operation has the name of the method of `Api` that implements it.
ROUTES: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (name, method, re.compile(_API_ROOT + pattern))
    for name, method, pattern in (
        ("token", "POST", "/idp/token"),
        ("client", "GET", f"/clients/{_ID}"),
        ("create_report", "POST", "/reports"),
        ("report", "GET", f"/reports/{_ID}"),
        ("delete_report", "DELETE", f"/reports/{_ID}"),
        ("tenant", "GET", f"/tenants/{_ID}"),
        ("tenant_reports", "GET", f"/tenants/{_ID}/reports"),
        ("stored_reports", "GET", f"/reports/{_ID}/stored"),
        ("download", "GET", f"/reports/{_ID}/stored/{_ID}"),
    )
)


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
        reports: the reports created so far; also provides distributor and clock.
        lenient: as for `parse_report_request`.
    """

    def __init__(
        self, client_id: str, client_secret: str, reports: Reports, *, lenient: bool = False
    ) -> None:
        self._client_id = client_id
        self._credentials = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._reports = reports
        self._lenient = lenient
        self._token_expiry: dict[str, int] = {}  # UNIX seconds

    def answer(self, request: Request, route: str, ids: tuple[str, ...]) -> Answer:
        """The response to a request with a known route, including error responses."""
        if route == "token":
            return self._token(request)
        try:
            if request.path.startswith(_API_ROOT + "/"):
                self._authorize(request)
            operation: Callable[..., Answer] = getattr(self, f"_{route}")
            return operation(request, *ids)
        except ApiError as error:
            return error.answer

    def _unknown(self, request: Request) -> Answer:
        raise ApiError(404, "not_found", "Not found", f"there is nothing at {request.path}")

    def _method_not_allowed(self, _: Request) -> Answer:
        raise ApiError(405, "method_not_allowed", "Method not allowed")

    def _token(self, request: Request) -> Answer:
        if request.media_type != "application/x-www-form-urlencoded":
            return _token_error(400, "invalid_request", "The body must be a form")
        if parse_qs(request.body.decode(errors="replace")).get("grant_type") != ["client_credentials"]:
            return _token_error(400, "unsupported_grant_type", "grant_type must be client_credentials")
        if request.credentials("basic") != self._credentials:
            answer = _token_error(401, "invalid_client", "Client authentication failed")
            answer.headers["WWW-Authenticate"] = 'Basic realm="idp"'
            return answer
        token = f"eyJzYW5kYm94Ijp0cnVlfQ.{secrets.token_urlsafe(48)}"
        expires_on = int(self._reports.now().timestamp()) + TOKEN_LIFETIME_SECONDS
        self._token_expiry[token] = expires_on
        return Answer.of_json(
            {
                "access_token": token,
                "expires_on": expires_on,
                "id_token": f"eyJzYW5kYm94Ijp0cnVlfQ.{secrets.token_urlsafe(48)}",
                "token_type": "bearer",
            }
        )

    def _authorize(self, request: Request) -> None:
        expires_on = self._token_expiry.get(request.credentials("bearer"), 0)
        if expires_on <= self._reports.now().timestamp():
            info = "the access token is missing, invalid or expired"
            raise ApiError(401, "unauthorized", "Unauthorized", info)

    def _client(self, _: Request, client_id: str) -> Answer:
        if client_id != self._client_id:
            raise ApiError(404, "not_found", "Client not found", id=client_id)
        return Answer.of_json(
            {
                "client_id": client_id,
                "client_secret_expires_at": 0,  # never
                "created_at": "2015-01-05T09:00:00+00:00",
                "created_by": self._reports.distributor.root.id,
                "data": {"client_name": "billing pipeline"},
                "last_access_at": self._reports.now().isoformat(timespec="seconds"),
                "last_access_from_ip": "127.0.0.1",
                "status": "enabled",
                "tenant_id": self._reports.distributor.root.id,
                "token_endpoint_auth_method": "client_secret_basic",
                "type": "api_client",
            }
        )

    def _tenant(self, _: Request, tenant_id: str) -> Answer:
        tenant = self._known_tenant(tenant_id)
        return Answer.of_json(
            {
                "id": tenant_id,
                "name": tenant.name(month_number(self._reports.now().date())),
                "kind": tenant.kind,
                "parent_id": tenant.parent.id if tenant.parent else None,
                "customer_id": tenant.customer_id,
                "enabled": True,
                "version": VERSION,
            }
        )

    def _create_report(self, request: Request) -> Answer:
        report = parse_report_request(request, self._reports.now().date(), lenient=self._lenient)
        self._known_tenant(report.parameters.tenant_id)
        return Answer.of_json(self._reports.create(report).answer())

    def _report(self, _: Request, report_id: str) -> Answer:
        return Answer.of_json(self._existing(report_id).answer())

    def _delete_report(self, request: Request, report_id: str) -> Answer:
        report = self._existing(report_id)
        version = request.parameters.get("version", "")
        if not version.isdecimal():
            raise bad_request("version is required")
        if int(version) != VERSION:
            raise ApiError(409, "conflict", "The report has another version", id=report_id)
        report.deleted = True
        return Answer(204)

    def _tenant_reports(self, _: Request, tenant_id: str) -> Answer:
        self._known_tenant(tenant_id)
        ids = [
            report.id
            for report in list(self._reports.created.values())
            if report.request.parameters.tenant_id == tenant_id and not report.deleted
        ]
        return Answer.of_json({"items": ids})

    def _stored_reports(self, _: Request, report_id: str) -> Answer:
        return Answer.of_json({"items": self._reports.poll(self._existing(report_id))})

    def _download(self, _: Request, report_id: str, stored_id: str) -> Answer:
        stored = self._existing(report_id).find(stored_id)
        if stored is None:
            raise ApiError(404, "not_found", "Stored report not found", id=stored_id)
        headers = {"Content-Type": "application/octet-stream", "Content-Encoding": "gzip"}
        return Answer(200, stored.path.read_bytes(), headers)

    def _existing(self, report_id: str) -> CreatedReport:
        report = self._reports.get(report_id)
        if report is None:
            raise ApiError(404, "not_found", "Report not found", id=report_id)
        return report

    def _known_tenant(self, tenant_id: str) -> Tenant:
        tenant = self._reports.distributor.find(tenant_id)
        if tenant is None:
            info = "the tenant is not below the client's tenant"
            raise ApiError(403, "forbidden", "Access denied", info, id=tenant_id)
        return tenant


def _token_error(status: int, error: str, description: str) -> Answer:
    return Answer.of_json({"error": error, "error_description": description}, status)
