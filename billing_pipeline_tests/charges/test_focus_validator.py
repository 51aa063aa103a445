"""The FinOps foundation's validator of FOCUS 1.2, in an environment of its own (`make test-focus`)."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline_tests.charges.books import Books

pytestmark = pytest.mark.focus

ENVIRONMENT = PROJECT_ROOT / ".venv-focus"
CRITERIA = (
    "ACCOUNT_NAMING_SUPPORTED,SUB_ACCOUNT_SUPPORTED,NEGOTIATED_PRICING_SUPPORTED,MULTIPLE_PRICING_CATEGORIES_SUPPORTED,"
    "UNIT_PRICING_SUPPORTED,TAGGING_SUPPORTED,USAGE_MEASUREMENT_SUPPORTED"
)  # fmt: skip
# One branch of an OR that the validator counts as a rule of its own: no file with rows can pass it.
UNAVOIDABLE = {"InvoiceId-C-004-C"}


def verdict(file: Path, *options: str) -> tuple[Counter[str], set[str]]:
    """How many rules the file passed, failed and skipped, and the names of the failed ones.

    The validator's exit status is 0 whatever fails, so only its report counts.
    """
    report = file.with_name("result.xml")
    report.unlink(missing_ok=True)
    # It finds its own files only from there.
    (folder,) = (ENVIRONMENT / "lib").glob("python3.*/site-packages")
    done = subprocess.run(
        [
            *map(str, (ENVIRONMENT / "bin/focus-validator", "--data-file", file)),
            *("--validate-version", "1.2", "--block-download", *options),
            *("--output-type", "unittest", "--output-destination", str(report)),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert report.exists(), done.stdout + done.stderr
    outcomes: Counter[str] = Counter()
    failed = set()
    for case in ET.parse(report).iter("testcase"):
        found = case.find("failure")
        if found is None:
            found = case.find("error")
        if found is not None:
            failed.add(found.get("name", "error"))
        outcomes["fail" if found is not None else "skip" if case.find("skipped") is not None else "pass"] += 1
    return outcomes, failed


@pytest.fixture
def export(month_end: Books, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BILLING_INVOICE_ISSUER", "Example MSP Ltd")
    for file_format in ("parquet", "csv"):
        what = ("--period", "2026-09", "--table", "focus", "--format", file_format)
        month_end.run("export", *what, "--output", str(tmp_path))
    return tmp_path / "focus-2026-09.csv"


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_focus_validator__month_end__only_the_unavoidable_rule_fails(export: Path, file_format: str) -> None:
    outcomes, failed = verdict(export.with_suffix(f".{file_format}"), "--applicability-criteria", CRITERIA)

    assert failed == UNAVOIDABLE
    assert outcomes == {"pass": 213, "fail": 1, "skip": 364}


def test_focus_validator__no_criteria__only_the_unavoidable_rule_fails(export: Path) -> None:
    outcomes, failed = verdict(export)

    assert failed == UNAVOIDABLE
    assert outcomes == {"pass": 136, "fail": 1, "skip": 441}


def test_focus_validator__wrong_file__more_rules_fail(export: Path) -> None:
    export.write_text(export.read_text().replace(",EUR,", ",Euro,"))

    _, failed = verdict(export)

    assert failed > UNAVOIDABLE
    assert "BillingCurrency-C-003-M" in failed
