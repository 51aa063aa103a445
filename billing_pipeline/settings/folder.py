"""The folder that a setting names."""

from __future__ import annotations

import os
from pathlib import Path

from billing_pipeline.settings.environment import PROJECT_ROOT


def folder(path: Path) -> Path:
    """The absolute path of a folder, which need not exist yet.

    Relative to the project's root: Dagster's processes and the shell have different working directories.

    Raises:
        ValueError: no folder can be there.
    """
    try:
        absolute = (PROJECT_ROOT / path.expanduser()).resolve()
    except (RuntimeError, OSError) as error:
        # A user that the system does not know; before Python 3.13 also a symbolic link to itself.
        raise ValueError(f"{path} cannot be resolved: {error}") from None
    existing = next(filter(os.path.lexists, (absolute, *absolute.parents)))
    if not existing.is_dir():
        raise ValueError(f"{existing} is not a folder")
    if "\\" in absolute.as_posix():
        raise ValueError("its path must not contain a backslash, which DuckDB takes for a separator")
    return absolute
