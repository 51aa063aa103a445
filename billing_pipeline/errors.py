"""The error family. Each error says what happened, to which period and report, and what to do.

Every foreseeable failure is a `BillingPipelineError`; any other exception that escapes is a defect.
"""

import re
from collections.abc import Sequence


class BillingPipelineError(Exception):
    """A foreseeable error, in words that the reader can act on.

    Args:
        what: what happened, one sentence without its full stop; never a secret, never a whole response body.
        todo: what the reader can do about it, one sentence.
        period: the billing period concerned, `YYYY-MM`.
        report_id: the report concerned.
        details: findings that the message sums up, one line each; the command line prints them before it.

    `what` and `todo` name settings as an unnamed account has them.
    """

    def __init__(
        self,
        what: str,
        *,
        todo: str,
        period: str | None = None,
        report_id: str | None = None,
        details: Sequence[str] = (),
    ) -> None:
        super().__init__(what)
        self.details = tuple(details)
        self.what = what.rstrip(".")
        self._todo = todo
        self.account: str | None = None
        self.period = period
        self.report_id = report_id

    @property
    def todo(self) -> str:
        """What the reader can do, naming the settings of the account concerned."""
        return named_settings(self._todo, self.account)

    def __str__(self) -> str:
        nouns = {"account": self.account, "period": self.period, "report": self.report_id}
        subject = ", ".join(f"{noun} {value}" for noun, value in nouns.items() if value is not None)
        what = named_settings(self.what, self.account)
        return escaped(f"{subject + ': ' if subject else ''}{what}. {self.todo}")

    def about(
        self,
        *,
        account: str | None = None,
        period: str | None = None,
        report_id: str | None = None,
        todo: str | None = None,
    ) -> "BillingPipelineError":
        """Add what a lower layer did not know, and return the same error.

        Args:
            account: name of a named account.
            period: the billing period concerned, unless the error has one.
            report_id: the report concerned, unless the error has one.
            todo: replaces what the reader can do.
        """
        self.account = self.account or account
        self.period = self.period or period
        self.report_id = self.report_id or report_id
        self._todo = todo or self._todo
        return self


WORKING_DIRECTORY_GONE = "the working directory no longer exists, so a relative path leads nowhere"


class SettingsError(BillingPipelineError):
    """A setting is missing or bad; nothing was sent."""


class PeriodError(BillingPipelineError):
    """The billing period is malformed, has not ended, or outside the configured range."""


class PeriodClosedError(BillingPipelineError):
    """The billing period is closed: it has been invoiced, and only a forced run loads it again."""


class ApiError(BillingPipelineError):
    """The account-management API refused a call, or could not be reached.

    Args:
        status: the HTTP status; None when there was no answer at all.
        api_message: the API's own message, shortened and redacted.
    """

    def __init__(
        self,
        what: str,
        *,
        todo: str,
        status: int | None = None,
        api_message: str | None = None,
        report_id: str | None = None,
    ) -> None:
        super().__init__(what, todo=todo, report_id=report_id)
        self.status = status
        self.api_message = api_message

    @property
    def is_gone(self) -> bool:
        """Whether the API does not know what was requested, or no longer."""
        return self.status in {404, 410}

    @property
    def is_about_client(self) -> bool:
        """Whether the API refuses any call of this API client."""
        return self.status in {401, 429}

    @property
    def is_outage(self) -> bool:
        """Whether other calls may fail in the same way: the client, the API or a gateway is the cause."""
        return self.is_about_client or self.status in {None, 408, 425, 502, 503, 504}


class CredentialsError(ApiError):
    """The API client's id or secret is not accepted, or it lacks the right."""


class ReportFailedError(BillingPipelineError):
    """Acronis could not generate the report."""


class ReportNotReadyError(BillingPipelineError):
    """The stored report was not ready before the deadline; the next run continues with the same report."""


class DownloadError(BillingPipelineError):
    """A stored report could not be downloaded completely."""


class RawReportError(BillingPipelineError):
    """The raw report on disk is missing, or is not what its manifest says."""


class DataFolderError(BillingPipelineError):
    """A file or lock in the data folder cannot be read, written or acquired."""


class ReportRefusedError(BillingPipelineError):
    """The report's content cannot be trusted, so nothing of it was loaded."""


class PricesRefusedError(BillingPipelineError):
    """The price files have errors or would change a closed month, so nothing of them was loaded."""


class ChargesRefusedError(BillingPipelineError):
    """The charges of a period are incomplete or contradictory, so it was not closed."""


class WarehouseError(BillingPipelineError):
    """The warehouse could not be read, written or published; the last published state is intact."""


class OutputError(BillingPipelineError):
    """An output file could not be written."""


def named_settings(text: str, account: str | None) -> str:
    """A text in which the settings are those of a named account: `ACRONIS_EU_…`; None leaves it as it is."""
    if account is None:
        return text
    prefix = f"ACRONIS_{account.upper()}_"
    return re.sub(rf"\b(?!{prefix})ACRONIS_", prefix, text)


def first_line(message: object) -> str:
    """The first line of another program's message, without the lines that explain it to its own users."""
    return str(message).strip().split("\n", 1)[0]


def escaped(text: str) -> str:
    """A text on one line: line breaks, control characters and lone surrogates are escaped."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def printable_line(text: object) -> str:
    """A text on one line, without characters that a terminal would interpret."""
    return " ".join("".join(each if each.isprintable() else " " for each in str(text)).split())
