"""Real processes that start in milliseconds: forked from a server that has imported everything.

A command of its own costs about two seconds of processor time before it begins, nearly all of it the
import of Dagster. Processes that are killed need the same server for another reason: a moment after their
start is a moment of their work.
"""

from __future__ import annotations

import codecs
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["billing_pipeline_tests.harness.preload"])


def free_port() -> int:
    """A port of loopback that no program listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def start(target: Callable[..., None], *arguments: object) -> BaseProcess:
    """Start a function of a test module as a process.

    Args:
        target: a function at the top level of its module.
        arguments: what it gets; each must be picklable.
    """
    process = _CONTEXT.Process(target=target, args=arguments)
    process.start()
    return process


def run_command(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    timeout: float = 120,
    prepare: Callable[[], object] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `billing-pipeline` as `subprocess.run` would.

    Args:
        arguments: the command line without the program's name.
        environment: all environment variables of the process.
        timeout: seconds after which the process is killed.
        prepare: called in the process before the command, for example to set a resource limit; picklable.

    Raises:
        subprocess.TimeoutExpired: the command took longer.
    """
    with TemporaryDirectory() as folder:
        stdout, stderr = Path(folder, "stdout"), Path(folder, "stderr")
        process = start(_execute, list(arguments), dict(environment), stdout, stderr, prepare)
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), timeout)
        return subprocess.CompletedProcess(
            list(arguments), process.exitcode, stdout.read_text("utf-8"), stderr.read_text("utf-8")
        )


def _execute(
    arguments: list[str],
    environment: dict[str, str],
    stdout: Path,
    stderr: Path,
    prepare: Callable[[], object] | None,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in ((1, stdout), (2, stderr)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    sys.argv = ["billing-pipeline", *arguments]
    if prepare is not None:
        prepare()
    from billing_pipeline.cli import console_script

    console_script()


def as_nobody(folder: Path, action: Callable[[], object]) -> str:
    """The result of an action in a process without root's rights; the folder is made accessible first."""
    for above in (folder, *folder.parents):
        if above.stat().st_mode & 0o777 == 0o700:
            above.chmod(0o755)
    # Nobody may be unable to read Python's own library.
    codecs.lookup("utf-8-sig")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            message = str(action())
        except Exception as error:  # noqa: BLE001 - the parent asserts on its text
            message = f"{type(error).__name__}: {error}"
        os.write(writing, message.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        message = pipe.read()
    os.waitpid(child, 0)
    return message
