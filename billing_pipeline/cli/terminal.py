"""Tables of results as text, cut to the width of a terminal."""

import shutil
from collections.abc import Iterable, Sequence
from typing import TextIO

from billing_pipeline.errors import escaped


def write_table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool], out: TextIO
) -> int:
    """Write a table; in a terminal its lines are cut to the terminal's width.

    Values are escaped: a tenant's name must not move the cursor or forge a line.

    Args:
        right: for each column, whether it is aligned to the right.

    Returns:
        The number of rows.
    """
    from tabulate import tabulate  # noqa: PLC0415

    table = [[escaped(value) for value in row] for row in rows]
    alignment = ["right" if each else "left" for each in right]
    names = [escaped(name) for name in headers]
    text = tabulate(
        table, names, tablefmt="simple", disable_numparse=True, colalign=alignment if table else None
    )
    if out.isatty():
        from rich.cells import cell_len, set_cell_size  # noqa: PLC0415

        width = shutil.get_terminal_size().columns
        lines = text.splitlines()
        text = "\n".join(set_cell_size(line, width) if cell_len(line) > width else line for line in lines)
    out.write(text + "\n")
    return len(table)
