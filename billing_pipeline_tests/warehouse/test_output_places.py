"""`export --output` onto links, devices and pipes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.errors import OutputError
from billing_pipeline.files import output_file
from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline.warehouse.exporting import export_period
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, load, row


def export(warehouse: Warehouse, path: Path) -> None:
    load(warehouse, [row(absolute_production=18)])
    export_period(warehouse, SEPTEMBER, "usage", "csv", path)


@pytest.mark.parametrize("exists", [True, False])
def test_export__symbolic_link__writes_its_target(
    warehouse: Warehouse, tmp_path: Path, *, exists: bool
) -> None:
    (tmp_path / "share").mkdir()
    target, link = tmp_path / "share" / "usage.csv", tmp_path / "usage.csv"
    if exists:
        target.write_text("old")
    link.symlink_to("share/usage.csv")

    export(warehouse, link)

    assert link.is_symlink()
    assert target.read_text(encoding="utf-8").startswith("billing_period,")
    assert list(target.parent.iterdir()) == [target]


def test_output_file__circular_link__is_refused(tmp_path: Path) -> None:
    loop = tmp_path / "usage.csv"
    loop.symlink_to(loop)

    with pytest.raises(OutputError, match="leads to itself"), output_file(loop):
        pass
    assert loop.is_symlink()


@pytest.mark.parametrize("place", ["warehouse.duckdb", "requests/2026-09.json", "raw/page.html"])
def test_export__internal_file__is_refused(
    warehouse: WarehouseFile,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
) -> None:
    load(warehouse, [row(absolute_production=18)])
    data_dir = warehouse.path.parent
    monkeypatch.setenv("BILLING_DATA_DIR", str(data_dir))
    for kept in ("requests", "raw", "reports"):
        (data_dir / kept).mkdir()
    before = warehouse.path.read_bytes()

    for command in (["report"], ["export", "--table", "billable_usage"]):
        assert billing_pipeline([*command, "--period", "2026-09", "--output", str(data_dir / place)]) != 0
        assert "keeps its own files" in capsys.readouterr().err
        page = str(data_dir / "reports" / "page.html")
        assert billing_pipeline([*command, "--period", "2026-09", "--output", page]) == 0

    assert warehouse.path.read_bytes() == before


def test_export__pipe__is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    pipe = tmp_path / "usage.csv"
    os.mkfifo(pipe)

    with pytest.raises(OutputError, match="not a file"):
        export(warehouse, pipe)

    assert pipe.is_fifo()


def test_output_file__socket__is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("usage.csv")
        with pytest.raises(OutputError, match="not a file"), output_file(Path("usage.csv")):
            pass
        assert Path("usage.csv").is_socket()


@pytest.mark.skipif(os.getuid() != 0, reason="makes a device")
def test_output_file__device__is_refused(tmp_path: Path) -> None:
    device, link = tmp_path / "null", tmp_path / "link"
    try:
        os.mknod(device, 0o20666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("no devices here")
    link.symlink_to(device)

    for path in (device, link):
        with pytest.raises(OutputError, match="not a file"), output_file(path):
            pass
    assert device.is_char_device()


def test_output_file__link_to_folder__is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)

    with pytest.raises(OutputError, match="is a folder"), output_file(tmp_path / "link"):
        pass


def test_output_file__long_name__is_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".csv")

    with output_file(path) as partial:
        partial.write_text("whole")

    assert path.read_text() == "whole"
