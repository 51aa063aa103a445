"""`billing-pipeline --version`: the version of the package's metadata."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from billing_pipeline.cli import main


def test_version__option__prints_installed_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0

    assert capsys.readouterr().out == f"billing-pipeline {version('billing-pipeline')}\n"
