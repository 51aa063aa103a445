"""`make demo`, wherever its environment lies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_an_environment_outside_the_project_is_named_by_its_whole_path(project: Path) -> None:
    # Of somebody who has connected an account already.
    (project / ".env").write_text(
        "BILLING_ACCOUNTS=eu,us\nBILLING_FIRST_PERIOD=2199-01\nACRONIS_REPORT_LEVEL=all_customers\n"
        "ACRONIS_TENANT_ID=10000000-0000-4000-8000-000000000009\n"
    )

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
