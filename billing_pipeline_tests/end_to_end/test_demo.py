"""`make demo`, wherever its environment lies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_an_environment_outside_the_project_is_named_by_its_whole_path(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "billing_pipeline.demo"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "equal the sandbox's own count" in done.stdout
    assert f" {Path(sys.executable).parent / 'billing-pipeline'} status\n" in done.stdout
    assert (project / "data" / "demo" / "warehouse.duckdb").exists()
