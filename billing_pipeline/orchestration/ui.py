"""Dagster's UI and daemon on loopback, with persistent state in the data folder."""

import os
import signal
import warnings
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

from billing_pipeline.orchestration.home import dagster_instance
from billing_pipeline.orchestration.orphaned_runs import fail_orphaned_runs
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.settings.environment import ENV_FILE, env_file

_DEFINITIONS = "billing_pipeline.definitions"
# `dagster dev` runs its webserver as a module: ours has a request filter in front.
_FILTERED = {"dagster_webserver": "billing_pipeline.orchestration.webserver"}

# Dagster's code server listens on a Unix socket below TMPDIR; the path of a socket has at most 103 bytes.
_LONGEST_SOCKET_FOLDER = 80


def serve_ui(port: int | None) -> None:
    """Become `dagster dev`, until it is stopped.

    Args:
        port: on loopback; None: 3000, or a free one if that is taken.

    Raises:
        BillingPipelineError: a setting is bad, or Dagster's history cannot be used.
    """
    if len(os.fsencode(os.environ.get("TMPDIR", ""))) > _LONGEST_SOCKET_FOLDER:
        del os.environ["TMPDIR"]
    settings = PipelineSettings.load()
    # Open the instance here first: a damaged history is then reported once, not by every child process.
    with dagster_instance(settings) as instance:
        fail_orphaned_runs(settings, instance)
    # `dagster dev` loads `.env` of its working directory, overriding the environment and expanding
    # references. So it gets another working directory, and its children get absolute paths.
    os.environ |= {ENV_FILE: str(env_file()), "BILLING_DATA_DIR": str(settings.data_dir)}
    os.chdir(os.environ["DAGSTER_HOME"])
    # `dagster dev` does on SIGTERM what it does on SIGINT, which a shell lets background processes ignore.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from dagster import SupersessionWarning  # noqa: PLC0415
    from dagster._cli import dev  # noqa: PLC0415
    from dagster_shared.ipc import open_ipc_subprocess  # noqa: PLC0415

    def start_filtered(command: Sequence[str], **options: Any) -> Any:
        return open_ipc_subprocess([_FILTERED.get(word, word) for word in command], **options)

    options = ["--host", "127.0.0.1", "--module-name", _DEFINITIONS]
    with patch.object(dev, open_ipc_subprocess.__name__, start_filtered), warnings.catch_warnings():
        # By `dg dev`, which is a package of its own.
        warnings.simplefilter("ignore", SupersessionWarning)
        dev.dev_command(options if port is None else [*options, "--port", str(port)])
