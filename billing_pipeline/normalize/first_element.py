"""The first element of a json_v2_0 file: what its layout is, for a person."""

from pathlib import Path
from typing import Any

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize import strict_json
from billing_pipeline.normalize.envelope import read_envelope
from billing_pipeline.normalize.layout import learn_layout
from billing_pipeline.normalize.refusals import DAMAGED, UnknownLayoutError, refused
from billing_pipeline.normalize.slow_rows import SlowRowReader
from billing_pipeline.normalize.totals import Totals

_LARGEST = 4 << 20


def described_layout(element: Any) -> str:
    """The layout of a file with this first element, in words: no value of a report is in it.

    Raises:
        UnknownLayoutError: the layout is not known.
    """
    if element is None:
        return "unknown, because the report is empty"
    layout = learn_layout(element)
    try:
        SlowRowReader(Totals()).read(strict_json.encode(element).encode(), last=True)
    except UnknownLayoutError:
        raise
    except ReportRefusedError:
        pass  # a bad value in a known layout
    if layout is None:
        return "grouped, with the rows further in, read one by one"
    dotted = any("." in key for keys in layout.paths.values() for key in keys)
    keys = "dotted keys" if dotted else "nested keys"
    if layout.rows_key is None:
        return f"flat, an element for each row, {keys}"
    return f"grouped, the rows of an element in {layout.rows_key!r}, {keys}"


def first_element(path: Path) -> Any:
    """The first element of `tenants`; None if there is none.

    Raises:
        ReportRefusedError: the file is not a whole report, or the element is not JSON.
    """
    envelope = read_envelope(path)
    with path.open("rb") as file:
        file.seek(envelope.start)
        block = file.read(min(envelope.end - envelope.start, _LARGEST))
    # The block may end within a character.
    text = block.decode("utf-8", "ignore")
    start = strict_json.skip_white_space(text, 0)
    if start == len(text):
        return None
    try:
        element, _ = strict_json.parse_next(text, start)
    except strict_json.StrictJsonError:
        raise refused("the first element of 'tenants' is not valid JSON", DAMAGED) from None
    return element
