"""The project elsewhere: a copy, for tests of files in its root, and what is installed from its wheel."""

from __future__ import annotations

import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest
from flit_core import buildapi

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


@pytest.fixture(scope="session")
def site_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content."""
    folder = tmp_path_factory.mktemp("site-packages")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(PROJECT_ROOT)
        wheel = buildapi.build_wheel(str(folder))
    with ZipFile(folder / wheel) as archive:
        archive.extractall(folder)
    return folder
