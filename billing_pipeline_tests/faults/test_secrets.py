"""No file or output of a run contains the client secret or a token, even if the API echoes them."""

from __future__ import annotations

import pytest

from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness

TOKEN_BEGINS = "eyJzYW5kYm94Ijp0cnVlfQ"


@pytest.mark.slow
def test_run__api_echoes_secrets__none_in_files_or_output(cli: CliHarness, sandbox: FaultySandbox) -> None:
    output = b""
    for fault in ("token_echo", "create_echo", None):
        sandbox.set_faults(*([fault] if fault else []))
        done = cli.command("run", "--period", "2026-09")
        assert (done.returncode == 0) == (fault is None), done.stderr
        assert fault is None or "[redacted]" in done.stderr
        output += (done.stdout + done.stderr).encode()

    # Dagster's event storage and logs are in the data folder, too.
    left = {str(path): path.read_bytes() for path in cli.data_dir.rglob("*") if path.is_file()}
    assert any("dagster" in name for name in left)
    assert any(b"[redacted]" in content for content in left.values())
    for name, content in {"output": output, **left}.items():
        for secret in (sandbox.client_secret, TOKEN_BEGINS):
            assert secret.encode() not in content, name
