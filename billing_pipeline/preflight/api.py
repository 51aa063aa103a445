"""The API: whether this client is accepted, for which tenant, and what it may do there."""

from collections.abc import Iterator
from datetime import timedelta

from billing_pipeline.acronis import AcronisClient
from billing_pipeline.errors import ApiError, BillingPipelineError
from billing_pipeline.preflight.result import Result, Verdict, failed, ok, warning
from billing_pipeline.settings import AccountSettings

TOLERATED_CLOCK_DIFFERENCE = timedelta(minutes=1)
_REFUSED = {401, 403}
_CUSTOMERS = {"customer", "unit"}
_LEVELS_BELOW = {"direct_partners", "all_customers", "all_partners"}


def check_api(client: AcronisClient, account: AccountSettings) -> Iterator[Result]:
    """Make every call that a run makes before it requests a report, and read the tenant."""
    try:
        client.authenticate()
    except BillingPipelineError as error:
        yield failed("token", error)
        yield from _clock(client)
        return
    yield ok("token", f"obtained from {client.base_url}")
    own: str | None = None
    try:
        own = client.own_tenant_id()
    except BillingPipelineError as error:
        yield failed("API client", error)
    tenant_id = account.tenant_id or own
    if tenant_id is not None:
        yield _tenant(client, account, tenant_id, is_own=tenant_id == own)
        yield _right_to_report(client, tenant_id)
    yield from _clock(client)


def _tenant(client: AcronisClient, account: AccountSettings, tenant_id: str, *, is_own: bool) -> Result:
    whose = "the API client's own" if is_own else "ACRONIS_TENANT_ID"
    try:
        tenant = client.tenant(tenant_id)
    except ApiError as error:
        text = f"{tenant_id} ({whose}), whose name cannot be read: {error.what}"
        todo = "A run does not need the name. Compare the id with the management portal."
        if is_own and error.status in _REFUSED:
            return warning("tenant", text, todo)
        return warning("tenant", text, f"{todo} {error.todo}")
    name = repr(client.redact(tenant.name))
    if tenant.kind in _CUSTOMERS and not is_own:
        name = "name hidden, because it is a customer's"
    text = f"{tenant_id} ({whose}), {name}, {tenant.kind or 'of no kind'}"
    if tenant.kind in _CUSTOMERS and account.report_level in _LEVELS_BELOW:
        return warning(
            "tenant",
            f"{text}: level {account.report_level} reports what is below it, and a {tenant.kind} is billed "
            "as a whole",
            "Set ACRONIS_REPORT_LEVEL=itself, or ACRONIS_TENANT_ID to your own tenant.",
        )
    return ok("tenant", text)


def _right_to_report(client: AcronisClient, tenant_id: str) -> Result:
    try:
        number = len(client.tenant_reports(tenant_id))
    except ApiError as error:
        if error.status in _REFUSED:
            text = f"{error.what}; a client that may not read reports may not create them either"
            return Result(Verdict.FAILED, "reports", text, error.todo)
        todo = "A run works without the list, but can request a report twice if an answer is lost."
        return warning("reports", f"the tenant's list cannot be read: {error.what}", todo)
    return ok(
        "reports",
        f"the tenant's list can be read, with {number:,} reports; creating one needs an administrator role, "
        "which only --try can prove",
    )


def _clock(client: AcronisClient) -> Iterator[Result]:
    difference = client.clock_difference
    if difference is None:
        yield ok("clock", "not compared: no answer of the server has a date")
        return
    seconds = round(difference.total_seconds())
    found = f"{abs(seconds):,} s {'ahead of' if seconds >= 0 else 'behind'} the server's"
    if abs(difference) <= TOLERATED_CLOCK_DIFFERENCE:
        yield ok("clock", found)
    else:
        yield warning(
            "clock",
            f"this machine's clock is {found}",
            "Set it (NTP): it decides which month has ended, and when the schedule runs.",
        )
