"""A warehouse file that one version of DuckDB wrote is read, and loaded into, by the other."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline.warehouse.schema import VIEWS

# The environments that the target `test-lake` of the Makefile makes.
_PYTHONS = {"2.0": PROJECT_ROOT / ".venv/bin/python", "1.5": PROJECT_ROOT / ".venv-lake/bin/python"}
_ASKED = f"""
import sys
from pathlib import Path
import duckdb
from billing_pipeline.warehouse import WarehouseFile
with WarehouseFile(Path(sys.argv[1])).reading() as connection:
    for view in {(*VIEWS, "usage", "load_checks")!r}:
        for row in connection.execute(f"SELECT view::VARCHAR FROM {{view}} AS view ORDER BY ALL").fetchall():
            print(row[0])
"""
_VERSION = "import duckdb; print(duckdb.__version__)"


def run(version: str, *arguments: str) -> str:
    done = subprocess.run(
        [_PYTHONS[version], *arguments],
        cwd=PROJECT_ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("writer", "reader"), [("1.5", "2.0"), ("2.0", "1.5")])
def test_file__written_by_one_duckdb__read_by_the_other(tmp_path: Path, writer: str, reader: str) -> None:
    loader = ("-m", "billing_pipeline_tests.warehouse.loader", str(tmp_path))
    for version in _PYTHONS:
        assert run(version, "-c", _VERSION).startswith(version)

    run(writer, *loader, "2026-08", "2026-09", "--value", "7")
    as_written = run(writer, "-c", _ASKED, str(tmp_path))
    assert as_written.count("2026-09-01") >= 3
    assert run(reader, "-c", _ASKED, str(tmp_path)) == as_written

    run(reader, *loader, "2026-09", "--value", "8")
    assert run(writer, "-c", _ASKED, str(tmp_path)) == run(reader, "-c", _ASKED, str(tmp_path)) != as_written
