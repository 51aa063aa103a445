"""Corrupted reports, each in one way: what a load has to detect before it replaces a month."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]
_MONTH = 30 * 86400


def corrupt(how: str, content: bytes) -> bytes:
    """The content of a report, corrupted.

    Args:
        how: a key of `CORRUPTIONS`.
        content: the decompressed file: csv_v2_0 for the keys that begin with `csv_`, json_v2_0 in the flat
            layout for all others.
    """
    return CORRUPTIONS[how](content)


def _of_report(change: Callable[[Json], object]) -> Callable[[bytes], bytes]:
    """A corruption that changes the parsed report in place."""

    def corrupted(content: bytes) -> bytes:
        report = json.loads(content)
        change(report)
        return json.dumps(report, ensure_ascii=False).encode()

    return corrupted


def _measure(value: object) -> Callable[[bytes], bytes]:
    """A corruption that replaces one measure; a text is written as it is."""

    def change(report: Json) -> None:
        _middle(report)["usage"]["absolute"]["total"] = "\ue000"

    literal = value if isinstance(value, str) else json.dumps(value)
    return lambda content: _of_report(change)(content).replace('"\ue000"'.encode(), literal.encode())


def _middle(report: Json) -> Json:
    row: Json = report["tenants"][len(report["tenants"]) // 2]
    return row


def _regrouped(member: str, usages: Callable[[list[Json]], object]) -> Callable[[Json], None]:
    """Group the rows by tenant; `usages` replaces the list of the second tenant."""

    def change(report: Json) -> None:
        groups: dict[str, list[Json]] = {}
        tenants: dict[str, Json] = {}
        for row in report["tenants"]:
            tenant = row.pop("tenant")
            tenants[tenant["id"]] = tenant
            groups.setdefault(tenant["id"], []).append(row)
        report["tenants"] = [{"tenant": tenants[key], member: rows} for key, rows in groups.items()]
        second = report["tenants"][min(1, len(report["tenants"]) - 1)]
        second[member] = usages(second[member])
        if second[member] is ...:
            del second[member]

    return change


def _shift_period(report: Json) -> None:
    report["params"]["begin_date"] -= _MONTH
    report["params"]["end_date"] -= _MONTH


def _set_params(**values: object) -> Callable[[Json], None]:
    return lambda report: report["params"].update(values)


def _set_middle(**values: object) -> Callable[[Json], None]:
    return lambda report: _middle(report).update(values)


def _keep(*names: str) -> Callable[[Json], None]:
    def change(report: Json) -> None:
        for name in set(report) - set(names):
            del report[name]

    return change


def _repeated_key(content: bytes) -> bytes:
    return content.replace(b'"absolute":{"production":', b'"absolute":{"production":1,"production":', 1)


def _lines(content: bytes) -> list[bytes]:
    # No line break in the first rows: their tenant's name has none.
    return content.split(b"\r\n")


def _csv_value(content: bytes) -> bytes:
    lines = _lines(content)
    columns = lines[0].split(b",")
    # Counted from the right, where no cell is quoted.
    position = columns.index(b"usage.absolute.total") - len(columns)
    cells = lines[1].split(b",")
    cells[position] = b"%d" % (int(cells[position]) + 1)
    lines[1] = b",".join(cells)
    return b"\r\n".join(lines)


def _csv_without_row(content: bytes) -> bytes:
    lines = _lines(content)
    return b"\r\n".join([lines[0], *lines[2:]])


def _csv_renamed_column(content: bytes) -> bytes:
    return content.replace(b"usage.absolute.total", b"usage.absolute.sum", 1)


CORRUPTIONS: Mapping[str, Callable[[bytes], bytes]] = {
    "wrong_period": _of_report(_shift_period),
    "wrong_dates": _of_report(lambda r: [row.update(date="2001-01-31") for row in r["tenants"]]),
    "wrong_kind": _of_report(_set_params(kind=4, report_type=4)),
    "wrong_level": _of_report(_set_params(report_level=3)),
    "grouped": _of_report(_regrouped("usages", lambda rows: rows)),
    "unknown_layout": _of_report(_regrouped("services", lambda rows: {"backup": rows})),
    "tenants_object": _of_report(lambda r: r.update(tenants={"rows": r["tenants"]})),
    "renamed_tenants": _of_report(lambda r: r.update(rows=r.pop("tenants"))),
    "renamed_list": _of_report(_regrouped("services", lambda rows: rows)),
    "unknown_nesting": _of_report(lambda r: r.update(tenants=[{"groups": {"rows": r["tenants"]}}])),
    "names_as_keys": _of_report(
        lambda r: r.update(tenants=[{row["tenant"]["name"]: row for row in r["tenants"]}])
    ),
    "names_as_dates": _of_report(
        lambda r: [row.update(date={"of": row["tenant"]["name"]}) for row in r["tenants"]]
    ),
    "unknown_ids": _of_report(
        lambda r: [row["tenant"].update(uuid=row["tenant"].pop("id")) for row in r["tenants"]]
    ),
    "lists_of_rows": _of_report(lambda r: r.update(tenants=[r["tenants"]])),
    "name_as_measure": _of_report(
        lambda r: _middle(r)["usage"]["absolute"].update(total=_middle(r)["tenant"]["name"])
    ),
    "null_usages": _of_report(_regrouped("usages", lambda _: None)),
    "missing_usages": _of_report(_regrouped("usages", lambda _: ...)),
    "nan": _measure("NaN"),
    "infinity": _measure("Infinity"),
    "null_measure": _measure(None),
    "string_measure": _measure('"18"'),
    "boolean_measure": _measure(True),
    "fractional_measure": _measure(18.5),
    "huge_measure": _measure("1e400"),
    "missing_measure": _of_report(lambda r: _middle(r)["usage"]["delta"].pop("trial")),
    "missing_usage": _of_report(lambda r: _middle(r).pop("usage")),
    "wrong_total": _measure(-987654321),
    "bad_uuid": _of_report(lambda r: _middle(r)["tenant"].update(id="../../etc/passwd")),
    "unknown_unit": _of_report(_set_middle(measurement_unit="furlongs")),
    "unknown_field": _of_report(_set_middle(discount={"percent": 7.5, "reason": "Jubiläum"})),
    "missing_row": _of_report(lambda r: r["tenants"].pop()),
    "repeated_row": _of_report(lambda r: r["tenants"].append(r["tenants"][0])),
    "no_rows": _of_report(lambda r: r.update(tenants=[])),
    "null_tenants": _of_report(lambda r: r.update(tenants=None)),
    "no_tenants": _of_report(_keep("params")),
    "no_params": _of_report(_keep("tenants")),
    "truncated": lambda content: content[: len(content) * 2 // 3],
    "without_last_brace": lambda content: content.rstrip()[:-1],
    "trailing_garbage": lambda content: content + b"<!-- generated -->",
    "twice": lambda content: content + content,
    "repeated_key": _repeated_key,
    "byte_order_mark": lambda content: b"\xef\xbb\xbf" + content,
    "not_utf8": lambda content: content.replace(b'"customer"', b'"customer\xff"', 1),
    "lone_surrogate": lambda content: content.replace(b'"customer"', b'"customer\\ud800"', 1),
    "error_body": lambda _: b'{"error": {"code": 500, "domain": "x", "message": "Internal error"}}',
    "login_page": lambda _: b"<!DOCTYPE html><html><title>Log in</title><form></form></html>",
    "nothing": lambda _: b"",
    "csv_value": _csv_value,
    "csv_without_row": _csv_without_row,
    "csv_renamed_column": _csv_renamed_column,
    "csv_cut": lambda content: content[: len(content) * 2 // 3],
}
