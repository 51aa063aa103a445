"""The packages import one another in one direction only."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import billing_pipeline

ROOT = Path(billing_pipeline.__file__).parent


def imported_modules(path: Path) -> set[str]:
    """What a file imports, anywhere in it, of this project."""
    found = {
        node.module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    return {name.split(".")[1] for name in found if name.startswith("billing_pipeline.")}


def test_packages__imports__have_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        package = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if not package.startswith("__"):
            graph.setdefault(package, set()).update(imported_modules(path) - {package})

    assert list(TopologicalSorter(graph).static_order())
    assert "orchestration" in graph["cli"]
