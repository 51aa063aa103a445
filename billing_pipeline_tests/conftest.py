"""Fixtures of all tests: a sandbox, an empty warehouse, and the command line with its own data folder."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from billing_pipeline.sandbox import Sandbox
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import OWN_SETTINGS, CliHarness
from billing_pipeline_tests.harness.empty_warehouse import (
    EMPTY_WAREHOUSE,
    copies_of_empty_warehouse,
    make_empty_warehouse,
)
from billing_pipeline_tests.postgres import is_installed as postgres_is_installed

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# DuckLake's extension is only in the environment of `make test-lake`, and PostgreSQL is optional; `.ci/run`
# has both.
collect_ignore = [] if find_spec("duckdb_extension_ducklake") else ["lake"]
if not postgres_is_installed():
    collect_ignore.append("deployment")


# No deadline: a slow machine must not make an example fail. The same examples in each run of continuous
# integration; everywhere else new ones.
hypothesis.settings.register_profile("default", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis.settings.load_profile("default")


# A shell that starts the tests in the background lets them, and all processes that they start, ignore SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Fixtures whose tests run commands, or load months.
_SLOW_FIXTURES = {"assets", "books", "cli", "demo", "loaded", "two_months", "warehouse"}


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Leave whole runs out of `make test-fast`."""
    for item in items:
        if _SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(OWN_SETTINGS):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _new_warehouses_are_copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("empty")
    make_empty_warehouse(folder)
    with copies_of_empty_warehouse((folder / EMPTY_WAREHOUSE).read_bytes()):
        yield


@pytest.fixture
def sandbox() -> Iterator[FaultySandbox]:
    """A small distributor whose reports are ready almost immediately."""
    with FaultySandbox(tenants=8, ready_after_seconds=0.2) as running:
        yield running


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseFile:
    """A warehouse in a new folder; nothing is published yet."""
    return WarehouseFile(tmp_path / "data")


@pytest.fixture
def cli(tmp_path: Path, sandbox: FaultySandbox) -> CliHarness:
    """The command line, with the sandbox's credentials and an empty data folder."""
    return command_line(sandbox, tmp_path / "data")


def command_line(sandbox: Sandbox, data_dir: Path) -> CliHarness:
    """The command line, with a sandbox's credentials and this data folder."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}
    return CliHarness(
        data_dir,
        {
            **outside,
            "ACRONIS_BASE_URL": sandbox.base_url,
            "ACRONIS_CLIENT_ID": sandbox.client_id,
            "ACRONIS_CLIENT_SECRET": sandbox.client_secret,
            "ACRONIS_POLL_INTERVAL_SECONDS": "0.1",
            "BILLING_DATA_DIR": str(data_dir),
        },
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium: optional on a developer's machine, required in continuous integration."""
    chromium = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if chromium is None:
        message = "The UI tests need Chromium: install the package chromium (apt-get install chromium)."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=_QUIET_CHROMIUM)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a window of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    yield context.new_page()
    context.close()
