"""A CSV file that a person edits: read by column name, or refused with every reason at once."""

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from billing_pipeline.errors import escaped

# Room for about 150,000 prices.
_LARGEST_FILE = 16 * 2**20
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_AS_UTF_8 = 'save it as UTF-8 ("CSV UTF-8" in Excel)'
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(slots=True)
class CsvFile:
    """The rows of a file, and what is wrong with it.

    Args:
        name: the file's name, without its folder.
        sha256: of the bytes that were read; None if they could not be.
        rows: the cells of each row by column name; the key is the row's number, as a spreadsheet shows it:
            the header is row 1.
        errors: each with its row number, or None for the file as a whole.
    """

    name: str
    sha256: str | None = None
    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    errors: list[tuple[int | None, str]] = field(default_factory=list)

    def add_error(self, row: int | None, message: str) -> None:
        """Note an error of a row; texts of the file in the message are on one line."""
        self.errors.append((row, escaped(message)))

    def error_lines(self) -> list[str]:
        """Each error with file and row, in the order of the rows."""
        ordered = sorted(self.errors, key=lambda error: error[0] or 0)
        return [
            f"{self.name}: {text}" if row is None else f"{self.name} row {row}: {text}"
            for row, text in ordered
        ]


def read_csv_file(path: Path, columns: Sequence[str]) -> CsvFile:
    """Read a file: UTF-8, commas, and exactly these columns in any order. Blank rows are skipped."""
    file = CsvFile(path.name)
    try:
        content = _content(path)
        file.sha256 = hashlib.sha256(content).hexdigest()
        _read_rows(file, _decoded(content), columns)
    except _UnreadableError as error:
        file.add_error(error.row, str(error))
    except OSError as error:
        file.add_error(None, f"cannot be read: {error.strerror or error}")
    return file


class _UnreadableError(Exception):
    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise _UnreadableError("is not a file")
    if path.stat().st_size > _LARGEST_FILE:
        raise _UnreadableError(f"is larger than {_LARGEST_FILE // 2**20} MiB, so it is not read")
    return path.read_bytes()


def _decoded(content: bytes) -> str:
    if content.startswith(_UTF_16):
        raise _UnreadableError(f"is UTF-16: {_AS_UTF_8}")
    if (place := content.find(b"\0")) >= 0:
        raise _UnreadableError(
            f"line {_line(content, place)} has a NUL character, so the file is damaged or UTF-16: {_AS_UTF_8}"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _UnreadableError(f"line {_line(content, error.start)} is not UTF-8: {_AS_UTF_8}") from None


def _line(content: bytes, place: int) -> int:
    return content.count(b"\n", 0, place) + 1


def _read_rows(file: CsvFile, text: str, columns: Sequence[str]) -> None:
    records = _records(text)
    _, header = next(records, (1, []))
    if errors := list(_header_errors(header, columns)):
        for error in errors:
            file.add_error(1, error)
        return
    for number, cells in records:
        if len(cells) != len(header):
            advice = ": put a text with a comma in quotes" if len(cells) > len(header) else ""
            file.add_error(number, f"has {len(cells)} cells, the header {len(header)}{advice}")
        else:
            file.rows[number] = dict(zip(header, cells, strict=True))


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that has any text, with its number."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if any(cells):
                yield number, cells
    except csv.Error as error:
        reason = "a quotation mark is never closed" if "end of data" in str(error) else str(error)
        raise _UnreadableError(f"is not CSV, or not whole: {reason}", number + 1) from None


def _header_errors(header: Sequence[str], columns: Sequence[str]) -> Iterator[str]:
    for delimiter, name in _OTHER_DELIMITERS.items():
        if len(header) == 1 and delimiter in header[0]:
            yield (
                f"the columns are separated by {name}: save the file with commas between the columns, "
                "and points in the numbers"
            )
            return
    for column in sorted(set(header) - set(columns)):
        yield f'unknown column "{column}"' if column else "a column without a name"
    for column in columns:
        if column not in header:
            yield f"column {column} is missing"
        elif header.count(column) > 1:
            yield f"column {column} is there {header.count(column)} times"
