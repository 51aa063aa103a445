"""Names and texts as SQL spells them, for statements that take no parameter there."""

from __future__ import annotations


def identifier(name: str) -> str:
    """A name."""
    return '"' + name.replace('"', '""') + '"'


def text(value: object) -> str:
    """A text, such as a path."""
    return "'" + str(value).replace("'", "''") + "'"
