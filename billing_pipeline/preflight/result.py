"""The result of one thing that was looked at, as one line."""

from dataclasses import dataclass
from enum import StrEnum

from billing_pipeline.errors import BillingPipelineError, named_settings, printable_line


class Verdict(StrEnum):
    """Whether a run would work: yes, yes but look at this, no."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the output.

    Args:
        verdict: only `FAILED` makes the command fail.
        subject: one or two words.
        text: what was found, one sentence without its full stop; no secret, no customer's name.
        todo: what the reader can do about it.
    """

    verdict: Verdict
    subject: str
    text: str
    todo: str = ""

    def __str__(self) -> str:
        text = f"{self.subject}: {self.text}{'. ' if self.todo else ''}{self.todo}"
        return f"{self.verdict:<9}{printable_line(text)}"

    def of_account(self, name: str) -> "Result":
        """The same result of a named account, with the account's settings."""
        text, todo = named_settings(self.text, name), named_settings(self.todo, name)
        return Result(self.verdict, f"{self.subject} of account {name}", text, todo)


def ok(subject: str, text: str) -> Result:
    """Nothing to do."""
    return Result(Verdict.OK, subject, text)


def warning(subject: str, text: str, todo: str) -> Result:
    """A run works, but perhaps not as it should."""
    return Result(Verdict.WARNING, subject, text, todo)


def failed(subject: str, error: BillingPipelineError) -> Result:
    """A run would end with this error."""
    return Result(Verdict.FAILED, subject, error.what, error.todo)
