"""`export --output` onto links, devices and pipes."""

from __future__ import annotations

import os
import socket
from codecs import BOM_UTF8
from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.errors import OutputError
from billing_pipeline.files import output_file
from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline.warehouse.exporting import export_period
from billing_pipeline_tests.landing.folders import names
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, load_unchecked, row


def export(warehouse: Warehouse, path: Path) -> None:
    load_unchecked(warehouse, [row(absolute_production=18)])
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
    assert target.read_text(encoding="utf-8-sig").startswith("billing_period,")
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
    load_unchecked(warehouse, [row(absolute_production=18)])
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


@pytest.fixture
def loaded(warehouse: WarehouseFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WarehouseFile:
    """Two loaded months; the command's working directory is `tmp_path`."""
    load_unchecked(warehouse, [row(absolute_production=18)])
    load_unchecked(warehouse, [row(absolute_production=19)], SEPTEMBER.next(), number=2)
    monkeypatch.setenv("BILLING_DATA_DIR", str(warehouse.path.parent))
    monkeypatch.chdir(tmp_path)
    return warehouse


@pytest.mark.parametrize("folder", ["exports/", "exports/2026/"])
@pytest.mark.parametrize("periods", [["2026-09"], ["2026-09", "2026-10"]])
def test_export__output_ends_with_slash__folder_is_made(
    loaded: WarehouseFile, tmp_path: Path, folder: str, periods: list[str]
) -> None:
    words = [word for period in periods for word in ("--period", period)]

    assert billing_pipeline(["export", *words, "--output", folder]) == 0

    assert names(tmp_path / folder) == [f"billable_usage-{period}.csv" for period in periods]


def test_export__parent_missing__is_refused_and_nothing_made(
    loaded: WarehouseFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing_pipeline(["export", "--period", "2026-09", "--output", "exports/usage.csv"]) == 1

    assert "exports/usage.csv could not be written: No such file or directory" in capsys.readouterr().err
    assert not (tmp_path / "exports").exists()


@pytest.mark.parametrize(
    ("output", "arguments", "begins"),
    [
        ("x.parquet", [], b"PAR1"),
        ("x.PARQUET", [], b"PAR1"),
        ("x.csv", [], BOM_UTF8 + b"billing_period,account,"),
        ("x", [], BOM_UTF8 + b"billing_period,account,"),
        ("x.txt", [], BOM_UTF8 + b"billing_period,account,"),
        ("x.parquet", ["--format", "parquet"], b"PAR1"),
        ("x.dat", ["--format", "parquet"], b"PAR1"),
    ],
)
def test_export__no_format__suffix_decides(
    loaded: WarehouseFile, tmp_path: Path, output: str, arguments: list[str], begins: bytes
) -> None:
    assert billing_pipeline(["export", "--period", "2026-09", "--output", output, *arguments]) == 0

    assert (tmp_path / output).read_bytes().startswith(begins)


@pytest.mark.parametrize(("output", "file_format"), [("x.parquet", "csv"), ("x.csv", "parquet")])
def test_export__format_contradicts_suffix__is_refused(
    loaded: WarehouseFile, tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str, file_format: str
) -> None:
    done = billing_pipeline(["export", "--period", "2026-09", "--output", output, "--format", file_format])

    assert done == 1
    assert f"--format is {file_format}" in capsys.readouterr().err
    assert not (tmp_path / output).exists()


@pytest.mark.parametrize("command", ["export", "report"])
def test_export_and_report__target_is_read_only__is_refused(
    loaded: WarehouseFile, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    signed_off = tmp_path / "signed-off.csv"
    signed_off.write_text("signed off")
    signed_off.chmod(0o444)
    (tmp_path / "link.csv").symlink_to(signed_off)

    for output in ("signed-off.csv", "link.csv"):
        assert billing_pipeline([command, "--period", "2026-09", "--output", output]) == 1
        assert f"{output} is read-only" in capsys.readouterr().err

    assert signed_off.read_text() == "signed off"
