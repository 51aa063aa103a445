"""A copy of the project, for tests of files in its root."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from billing_pipeline.settings import PROJECT_ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The root of a copy of the project: a process that is started in it runs the copy's code."""
    return copy_project(tmp_path)


def copy_project(folder: Path) -> Path:
    """The root of a copy of the project in a folder."""
    root = folder / "project"
    shutil.copytree(PROJECT_ROOT / "billing_pipeline", root / "billing_pipeline")
    shutil.copy(PROJECT_ROOT / "pyproject.toml", root)
    return root
