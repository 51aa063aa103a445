"""The first element of a json_v2_0 file: what its layout is, for a person."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from billing_pipeline.normalize import strict_json
from billing_pipeline.normalize.envelope import read_envelope
from billing_pipeline.normalize.layout import learn_layout
from billing_pipeline.normalize.refusals import DAMAGED, refused

_LARGEST = 4 << 20
# A key with other characters may be a value, such as a customer's name.
_KEY = re.compile(r"[a-z_][A-Za-z0-9_.]{0,59}")
_OTHER_KEYS = "others that do not look like names of fields"


def described_layout(path: Path) -> str:
    """The layout of a file, in words: no value of a report is in it.

    Raises:
        ReportRefusedError: the file is damaged, or its layout is not known (`first_keys` has its keys).
    """
    element = first_element(path)
    if element is None:
        return "unknown, because the report is empty"
    layout = learn_layout(element)
    dotted = any("." in key for keys in layout.paths.values() for key in keys)
    keys = "dotted keys" if dotted else "nested keys"
    if layout.rows_key is None:
        return f"flat, an element for each row, {keys}"
    return f"grouped, the rows of an element in {layout.rows_key!r}, {keys}"


def first_keys(path: Path) -> str:
    """The keys of the first element, in words.

    Raises:
        ReportRefusedError: the file is damaged.
    """
    element = first_element(path)
    return shown_keys(element) if isinstance(element, dict) else f"none: it is a {type(element).__name__}"


def shown_keys(keys: Any) -> str:
    """Names of fields; other keys may hold data and are left out."""
    names = [key for key in keys if _KEY.fullmatch(str(key))]
    return ", ".join([*names, *([_OTHER_KEYS] if len(names) < len(list(keys)) else [])])


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
