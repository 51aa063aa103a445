"""The notebook of the documentation: `python -m billing_pipeline_tests.notebook` renews its outputs."""

from __future__ import annotations

import ast
import base64
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.charges.page_files import load_page

PATH = Path(__file__).parents[1] / "docs" / "notebook.ipynb"

Cell = dict[str, Any]


def cells() -> list[Cell]:
    found: list[Cell] = json.loads(PATH.read_text(encoding="utf-8"))["cells"]
    return found


def source_of(cell: Cell) -> str:
    return "".join(cell["source"])


def execute(notebook: list[Cell]) -> Iterator[tuple[Cell, str | None, bytes | None]]:
    """Each cell of code with the text of its last expression, and its plot as PNG."""
    mpl.use("agg")
    names: dict[str, Any] = {}
    for cell in notebook:
        if cell["cell_type"] != "code":
            continue
        plt.close("all")
        tree = ast.parse(source_of(cell))
        last = tree.body.pop()
        exec(compile(tree, str(PATH), "exec"), names)
        assert isinstance(last, ast.Expr), "a cell ends with what it shows"
        value = eval(compile(ast.Expression(last.value), str(PATH), "eval"), names)
        plot = None
        if plt.get_fignums():
            image = io.BytesIO()
            plt.gcf().savefig(image, format="png", dpi=80, bbox_inches="tight")
            plot = image.getvalue()
        yield cell, None if plot else repr(value), plot


def text_of(cell: Cell) -> str | None:
    """The text that the notebook shows below a cell."""
    texts = [
        "".join(output["data"]["text/plain"])
        for output in cell["outputs"]
        if "image/png" not in output["data"]
    ]
    return texts[0] if texts else None


def main() -> None:
    """Execute the notebook on the months of the documentation, and store what each cell shows."""
    notebook = json.loads(PATH.read_text(encoding="utf-8"))
    with TemporaryDirectory() as folder:
        load_page(WarehouseFile(Path(folder)), Path(folder))
        os.environ["BILLING_DATA_DIR"] = folder
        for number, (cell, text, plot) in enumerate(execute(notebook["cells"]), 1):
            data: dict[str, Any] = {} if text is None else {"text/plain": text.splitlines(keepends=True)}
            if plot:
                data = {"image/png": base64.b64encode(plot).decode(), "text/plain": ["<Figure>"]}
            cell["execution_count"] = number
            cell["outputs"] = (
                [{"output_type": "execute_result", "execution_count": number, "data": data, "metadata": {}}]
                if data
                else []
            )
    PATH.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
