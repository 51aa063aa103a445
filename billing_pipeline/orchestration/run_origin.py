"""Runs that a program starts belong to the code location: Dagster's timeline and job page show no others."""

from __future__ import annotations

import sys
from functools import partial

import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import DEFAULT_DAGSTER_ENTRY_POINT, JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from billing_pipeline.orchestration.jobs import MONTHLY_USAGE

CODE_LOCATION = "billing_pipeline.definitions"
"""The module of the definitions, and the name of the code location in `workspace.yaml`."""


def create_runs_in_code_location(instance: dg.DagsterInstance) -> None:
    """Let an instance create its runs of `monthly_usage` as the code location's.

    `execute_in_process` has no parameter for the origin, which Dagster keeps private.
    """
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(CODE_LOCATION), "__repository__")
    code = RepositoryPythonOrigin(
        executable_path=sys.executable,
        code_pointer=ModuleCodePointer(CODE_LOCATION, "defs", working_directory=None),
        entry_point=DEFAULT_DAGSTER_ENTRY_POINT,
    )
    create = partial(
        instance.create_run_for_job,
        remote_job_origin=RemoteJobOrigin(repository, MONTHLY_USAGE),
        job_code_origin=JobPythonOrigin(MONTHLY_USAGE, code),
    )
    setattr(instance, "create_run_for_job", create)  # noqa: B010 - mypy forbids the assignment
