"""Contents of a folder."""

from __future__ import annotations

from pathlib import Path


def names(folder: Path) -> list[str]:
    """Sorted names."""
    return sorted(path.name for path in folder.iterdir())
