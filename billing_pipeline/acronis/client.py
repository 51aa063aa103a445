"""Client for the part of the account-management API that usage reports need."""

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO, Self, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from billing_pipeline.acronis import transport
from billing_pipeline.acronis.body import BodyError, content
from billing_pipeline.acronis.failures import ApiUnavailableError, describe, shortened
from billing_pipeline.acronis.models import (
    ApiClientRecord,
    Report,
    StoredReport,
    StoredReports,
    Tenant,
    TenantReports,
    Token,
)
from billing_pipeline.acronis.redaction import Redactor
from billing_pipeline.acronis.report_parameters import request_body
from billing_pipeline.acronis.retries import RetryPolicy, retrying
from billing_pipeline.acronis.tokens import TokenCache
from billing_pipeline.acronis.transport import MAX_ERROR_BYTES, Transport
from billing_pipeline.errors import ApiError, CredentialsError, DownloadError
from billing_pipeline.reports import ReportParameters, api_id

logger = logging.getLogger(__name__)

DOWNLOAD_TIMEOUT_SECONDS = 900.0
"""Limit for the download of one stored report, for each attempt."""
MAX_DOWNLOAD_BYTES = 20 * 1024**3
"""Limit for the decompressed size of a stored report. A million rows take 0.3 to 0.8 GB."""
_MAX_RESPONSE_BYTES = 32 * 1024**2

_Model = TypeVar("_Model", bound=BaseModel)
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Download:
    """What was written to the destination of a download.

    Args:
        size: bytes of the decoded content.
        sha256: of the decoded content, hexadecimal.
        received_bytes: bytes of the body as received, usually gzip.
        content_encoding: the header's value; None without the header.
    """

    size: int
    sha256: str
    received_bytes: int
    content_encoding: str | None


class AcronisClient:
    """One API client of one data centre. Thread-safe; a context manager.

    GETs and token requests are retried as `retry_policy` says; `POST /reports` only where it was clearly
    refused, because it is not idempotent: every POST that gets through creates another report.

    Args:
        base_url: the data-centre URL with `/api/2` at its end.
        client_id: id of the API client, a UUID.
        client_secret: its secret.
        retry_policy: attempts and waits.
        stop: setting it ends waits and transfers.
        connect_timeout: seconds until the connection must be established.
        read_timeout: seconds of silence after which an exchange is given up.
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: SecretStr,
        *,
        retry_policy: RetryPolicy | None = None,
        stop: threading.Event | None = None,
        connect_timeout: float = transport.CONNECT_TIMEOUT_SECONDS,
        read_timeout: float = transport.READ_TIMEOUT_SECONDS,
    ) -> None:
        self.base_url = base_url
        self.retry_policy = retry_policy or RetryPolicy()
        self.stop = stop or threading.Event()
        self._client_id = client_id
        self._warned: set[str] = set()
        self._read_timeout = read_timeout
        credentials = client_id, client_secret.get_secret_value()
        self._redact = Redactor(*credentials)
        self._transport = Transport(base_url, credentials, self._redact, (connect_timeout, read_timeout))
        self._tokens = TokenCache(self._fetch_token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def redact(self, text: str) -> str:
        """`text` as one short line without the secret and the tokens."""
        return self._redact.short(text)

    @property
    def clock_difference(self) -> timedelta | None:
        """Local clock minus the server's, by the latest response; None if it had no readable `Date`."""
        return self._transport.clock_difference

    def authenticate(self) -> None:
        """Obtain a token, unless there is one that does not expire soon.

        Raises:
            CredentialsError: the client is rejected.
            ApiError: the API could not be reached.
        """
        self._tokens.get()

    def tenant(self, tenant_id: str) -> Tenant:
        """`GET /tenants/{tenant_id}`.

        Raises:
            ApiError: status 403 or 404 if this client may not read it, or there is none.
        """
        return self._get(f"/tenants/{api_id(tenant_id)}", Tenant)

    def own_tenant_id(self) -> str:
        """UUID of the API client's tenant.

        Raises:
            CredentialsError: the client is rejected, or its id is not a UUID.
            ApiError: the API refused the call or could not be reached.
        """
        try:
            client_id = api_id(self._client_id)
        except ValueError:
            raise CredentialsError(
                "The API client's id is not a UUID", todo="Check ACRONIS_CLIENT_ID."
            ) from None
        return self._get(f"/clients/{client_id}", ApiClientRecord).tenant_id

    def create_report(self, parameters: ReportParameters) -> Report:
        """`POST /reports`. Not idempotent: every call that gets through creates another report.

        Raises:
            HistoryNotReadyError: nothing was created; the same request is accepted later.
            ApiUnavailableError: with `outcome_unknown`, the response was lost and a report may exist.
            ApiError: the request was refused.
        """
        body = request_body(parameters)
        return self._authorized(
            lambda token: self._exchange("POST", "/reports", Report, token=token, json=body),
            # A 429 is clearly a refusal. A 503 may come from a gateway that lost the API's response.
            retry_if=lambda error: not error.outcome_unknown,
        )

    def report(self, report_id: str) -> Report:
        """`GET /reports/{id}`.

        Raises:
            ApiError: status 404 if there is no such report (any more).
        """
        report = self._get(f"/reports/{api_id(report_id)}", Report)
        if report.id != api_id(report_id):
            raise ApiError(
                f"GET /reports/{report_id} answered with another report, {report.id}",
                todo="Report this to Acronis' support; the answer cannot be used.",
                status=200,
                report_id=report_id,
            )
        return report

    def tenant_reports(self, tenant_id: str) -> list[str]:
        """`GET /tenants/{tenant_id}/reports`: the ids of the tenant's reports."""
        return list(self._get(f"/tenants/{api_id(tenant_id)}/reports", TenantReports).items)

    def stored_reports(self, report_id: str) -> list[StoredReport]:
        """`GET /reports/{id}/stored`: one item per format; empty right after the POST."""
        items = self._get(f"/reports/{api_id(report_id)}/stored", StoredReports).items
        return [item.model_copy(update={"status_text": self.redact(item.status_text)}) for item in items]

    def download(
        self,
        report_id: str,
        stored_report_id: str,
        destination: BinaryIO,
        *,
        max_bytes: int = MAX_DOWNLOAD_BYTES,
        timeout: float = DOWNLOAD_TIMEOUT_SECONDS,
    ) -> Download:
        """`GET /reports/{id}/stored/{stored id}`: write the decoded file, in bounded memory.

        The request is retried until it gets a response. A body that does not arrive completely is the
        caller's decision.

        Args:
            report_id: id of the report.
            stored_report_id: id of the file.
            destination: receives the decoded content; after an error its content is undefined.
            max_bytes: limit for the decoded content.
            timeout: seconds for the whole body.

        Raises:
            DownloadError: the body is truncated, damaged, too slow or too large; its cause is a `BodyError`.
            ApiError: the API refused the request or could not be reached.
        """
        path = f"/reports/{api_id(report_id)}/stored/{api_id(stored_report_id)}"
        headers = {"Accept": "*/*", "Accept-Encoding": "gzip"}
        digest, size = hashlib.sha256(), 0
        with self._authorized(
            lambda token: self._transport.send(
                "GET", path, token=token, successes={200, 203}, headers=headers
            )
        ) as response:
            try:
                for chunk in content(response, max_bytes=max_bytes, deadline_seconds=timeout, stop=self.stop):
                    digest.update(chunk)
                    destination.write(chunk)
                    size += len(chunk)
            except BodyError as error:
                raise DownloadError(
                    f"stored report {stored_report_id} was not received completely: {error.reason}",
                    todo="Run it again: the same report is downloaded again."
                    if error.retry_helps or self.stop.is_set()
                    else "Look at what the API sends; if the report is really so large, raise "
                    "BILLING_MAX_REPORT_GIB.",
                    report_id=report_id,
                ) from error
        encoding = response.headers.get("Content-Encoding")
        return Download(size, digest.hexdigest(), response.raw.tell(), encoding and self.redact(encoding))

    def _get(self, path: str, kind: type[_Model]) -> _Model:
        return self._authorized(lambda token: self._exchange("GET", path, kind, token=token))

    def _fetch_token(self) -> Token:
        token: Token = retrying(self.retry_policy, self.stop)(
            self._exchange, "POST", "/idp/token", Token, data={"grant_type": "client_credentials"}
        )
        self._redact.remember_token(token.access_token)
        return token

    def _authorized(
        self, call: Callable[[str], _Result], retry_if: Callable[[ApiUnavailableError], bool] = lambda _: True
    ) -> _Result:
        """Make the call with a token and retries; after a 401, once more with a new token."""
        attempt = retrying(self.retry_policy, self.stop, retry_if)
        token = self._tokens.get()
        try:
            return attempt(call, token)
        except CredentialsError as error:
            if error.status != 401:
                raise
        return attempt(call, self._tokens.get(rejected=token))

    def _exchange(
        self, method: str, path: str, kind: type[_Model], *, token: str | None = None, **options: Any
    ) -> _Model:
        """One request and its response as a `kind`. Any other content counts as a lost response."""
        call, lost = f"{method} {shortened(path)}", method != "GET"
        with self._transport.send(method, path, token=token, **options) as response:
            try:
                body = b"".join(
                    content(response, max_bytes=_MAX_RESPONSE_BYTES, deadline_seconds=self._read_timeout)
                )
                ignored: set[str] = set()
                answer = kind.model_validate_json(body, context=ignored)
            except BodyError as error:
                raise ApiUnavailableError(
                    f"{call}: the answer was incomplete: {error.reason}", outcome_unknown=lost
                ) from None
            except ValidationError as error:
                seen = "" if token is None else describe(body[:MAX_ERROR_BYTES], self._redact)
                problem = error.errors(include_input=False, include_url=False)[0]
                where = ".".join(str(part) for part in problem["loc"])
                found = self.redact(": ".join(filter(None, (where, problem["msg"]))))
                raise ApiUnavailableError(
                    f"{call} answered {response.status_code} with something unexpected "
                    f"({found}){': ' + seen if seen else ''}",
                    status=response.status_code,
                    outcome_unknown=lost,
                ) from None
        for warning in [f"{call}: {name} is not as documented, and ignored" for name in sorted(ignored)]:
            if warning not in self._warned:
                self._warned.add(warning)
                logger.warning(warning)
        return answer
