"""The envelope of the rows, and whether the report is the requested one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize import JsonReport, envelope, strict_json
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.normalize.loading import PARAMS, load_json, refusal, report_of, usage_row

ROW = json.dumps(usage_row())
TENANT = "11111111-1111-4111-8111-111111111111"
REQUESTED = ReportParameters(TENANT, BillingPeriod(2026, 9), "usage_summary", "direct_partners")


def timestamp(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def opened(folder: Path, expected: ReportParameters, **params: Any) -> None:
    path = folder / "report.json"
    path.write_bytes(report_of(params={n: v for n, v in (PARAMS | params).items() if v is not ...}))
    with JsonReport(path, expected, folder / "work") as report:
        assert report.period_start <= report.period_end


@pytest.mark.parametrize(
    "text",
    [
        '{"params": P, "tenants": [R, R]}',
        '{"tenants": [R, R], "params": P}',
        '{"tenants":[R,R],"params":P}',
        '\n\t {"x": [1, {"tenants": []}], "params": P, "tenants" :\r\n[ R , R ] , "y": {"z": ["]}", []]}}\n',
        '{"tenants": [R, R], "a": [], "params": P, "b": [[]]}',
        '{"a": "\\"tenants\\": [", "params": P, "t\\u0065nants": [R, R], "c": "]}"}',
    ],
)
@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_load__keys_in_any_order__are_found(tmp_path: Path, text: str, block_size: int) -> None:
    content = text.replace("P", json.dumps(PARAMS)).replace("R", ROW).encode()

    assert len(load_json(content, tmp_path, block_size=block_size)[0]) == 2


@pytest.mark.parametrize(("before", "after"), [(70_000, 10), (10, 70_000), (1_100_000, 1_100_000)])
def test_load__large_envelope__is_read(tmp_path: Path, before: int, after: int) -> None:
    content = (
        '{"a": "'
        + "é" * before
        + f'", "tenants": [{ROW}], "b": "{"é" * after}", "params": {json.dumps(PARAMS)}}}'
    )

    assert len(load_json(content.encode(), tmp_path)[0]) == 1


@pytest.mark.parametrize("text", ["[]", "[ ]", "[\n\n]"])
def test_load__empty_array__has_no_rows(tmp_path: Path, text: str) -> None:
    content = f'{{"params": {json.dumps(PARAMS)}, "tenants": {text}}}'.encode()

    rows, totals = load_json(content, tmp_path)

    assert (rows, totals.rows, totals.sums) == ([], 0, {})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("\ufeff" + '{"params": P, "tenants": [R]}', "byte order mark"),
        ("<html><body>502 Bad Gateway</body></html>", "'{' is expected before <html>"),
        ("null", "'{' is expected before null"),
        ("[]", "'{' is expected before []"),
        ("[R]", "'{' is expected before [{"),
        ('{"error": {"code": "x", "message": "no"}}', "no list 'tenants'; it has: error"),
        ("{}", "no list 'tenants'; it has: nothing"),
        ('{"params": P}', "no list 'tenants'; it has: params"),
        ('{"tenants": [R]}', "no object 'params'; it has: tenants"),
        ('{"tenants": [R], "params": []}', "no object 'params'"),
        ('{"params": null, "tenants": [R]}', "no object 'params'"),
        ('{"params": P, "tenants": null}', "'[' is expected before null"),
        ('{"params": P, "tenants": {"items": [R]}}', "'tenants' is an object, not a list"),
        ('{"params": P, "tenants": "x"}', "'[' is expected before"),
        ('{"params": P, "tenants": [R]', "does not end as a report does"),
        ('{"params": P, "tenants": [R', "does not end as a report does"),
        ('{"params": P, "tenants": [R]}}', "does not end as a report does"),
        ('{"params": P, "tenants": [R]} x', "does not end as a report does"),
        ('{"params": P, "tenants": [R]}\x00', "does not end as a report does"),
        ('{"params": P, "tenants": [R],}', "does not end as a report does"),
        ('{"params": P, "tenants": [R]}{"params": P, "tenants": [R]}', ""),
        ('{"params": P, "tenants": [R]}\n{"params": P, "tenants": []}', ""),
        ('{"params": P, "tenants": [R], "params": P}', "does not end as a report does"),
        ('{"params": P, "tenants": [R], "tenants": [R]}', ""),
        ('{"params": P, "tenants": [R], "tenants": []}', ""),
        ('{"params": {"a": 1, "a": 2}, "tenants": [R]}', "appears twice"),
        ('{"params": {"a": NaN}, "tenants": [R]}', "NaN is not a number"),
        ('{"params": P "tenants": [R]}', "',' is expected before"),
        ('{"params": P, tenants: [R]}', "Expecting value near tenants"),
        ("{'params': P, 'tenants': [R]}", "Expecting value near 'params'"),
    ],
)
def test_load__not_a_report__is_refused(tmp_path: Path, text: str, reason: str) -> None:
    content = text.replace("P", json.dumps(PARAMS)).replace("R", ROW).encode()

    assert reason in refusal(content, tmp_path)


def test_report__as_requested__is_accepted(tmp_path: Path) -> None:
    opened(tmp_path, REQUESTED)
    opened(tmp_path, REQUESTED, tenant_id=TENANT.upper(), kind="usage_summary")
    for when in (..., None, 1790899200.5, "2026-10-02T00:00:00Z"):  # nobody needs it
        opened(tmp_path, REQUESTED, gen_date=when)
    opened(
        tmp_path,
        ReportParameters(TENANT, REQUESTED.period, "usage_breakdown", "itself"),
        report_type=6,
        report_level=9,
    )


@pytest.mark.parametrize("begin", ["2026-09-01 00:00:00", "2026-08-31 23:59:59"])
@pytest.mark.parametrize("end", ["2026-09-30 00:00:00", "2026-09-30 23:59:59", "2026-10-01 00:00:00"])
@pytest.mark.parametrize("token", ["{}", "{}.0", "{}.999", '"{}"', '"{}.0"', "{}e0"])
def test_report__each_way_to_write_the_bounds__is_the_month(
    tmp_path: Path, begin: str, end: str, token: str
) -> None:
    path = tmp_path / "report.json"
    content = report_of(params=PARAMS | {"begin_date": "BEGIN", "end_date": "END"}).decode()
    for name, moment in {"BEGIN": begin, "END": end}.items():
        content = content.replace(f'"{name}"', token.format(timestamp(moment)))
    path.write_text(content)
    with JsonReport(path, REQUESTED, tmp_path / "work") as report:
        assert (report.period_start, report.period_end) == (REQUESTED.period.start, REQUESTED.period.end)


@pytest.mark.parametrize(
    ("begin", "end", "covers"),
    [
        ("2026-09-02 00:00:00", "2026-09-30 23:59:59", "2026-09-02 to 2026-09-30"),
        ("2026-09-01 23:59:59", "2026-09-30 23:59:59", "2026-09-02 to 2026-09-30"),
        ("2026-08-31 00:00:00", "2026-09-30 23:59:59", "2026-08-31 to 2026-09-30"),
        ("2026-08-30 23:59:59", "2026-09-30 23:59:59", "2026-08-31 to 2026-09-30"),
        ("2026-08-01 00:00:00", "2026-08-31 23:59:59", "2026-08-01 to 2026-08-31"),
        ("2026-10-01 00:00:00", "2026-11-01 00:00:00", "2026-10-01 to 2026-10-31"),
        ("2026-09-01 00:00:00", "2026-09-29 00:00:00", "2026-09-01 to 2026-09-28"),
        ("2026-09-01 00:00:00", "2026-09-29 23:59:59", "2026-09-01 to 2026-09-29"),
        ("2026-09-01 00:00:00", "2026-10-01 23:59:59", "2026-09-01 to 2026-10-01"),
        ("2026-09-01 00:00:00", "2026-10-02 00:00:00", "2026-09-01 to 2026-10-01"),
        ("2025-09-01 00:00:00", "2025-09-30 23:59:59", "2025-09-01 to 2025-09-30"),
    ],
)
def test_report__another_period__is_refused(tmp_path: Path, begin: str, end: str, covers: str) -> None:
    with pytest.raises(ReportRefusedError, match=f"covers {covers}; 2026-09-01 to 2026-09-30 was requested"):
        opened(tmp_path, REQUESTED, begin_date=timestamp(begin), end_date=timestamp(end))


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        (
            {"begin_date": 1785542400},
            "covers 2026-08-01 to 2026-09-30; 2026-09-01 to 2026-09-30 was requested",
        ),
        ({"end_date": 1790812798}, "neither a midnight nor the end of a day"),
        ({"begin_date": 1788220801}, "neither a midnight nor the end of a day"),
        ({"begin_date": 1788220800 + 12 * 3600}, "begin_date is 2026-09-01 12:00:00 UTC"),
        ({"end_date": 1788220799}, "before it begins"),
        ({"begin_date": "2026-09-01"}, "params.begin_date is 2026-09-01, not a UNIX timestamp"),
        ({"begin_date": ...}, "params.begin_date is None"),
        ({"end_date": None}, "params.end_date is None"),
        ({"end_date": 10**20}, "not a UNIX timestamp"),
        ({"end_date": "1e999"}, "not a UNIX timestamp"),
        ({"end_date": "NaN"}, "not a UNIX timestamp"),
        ({"end_date": ""}, "not a UNIX timestamp"),
        ({"end_date": [1790812799]}, "not a UNIX timestamp"),
        ({"end_date": True}, "not a UNIX timestamp"),
        ({"report_type": 4}, "params.report_type is 4 (usage_daily); usage_summary was requested"),
        ({"report_type": 7}, "params.report_type is 7; usage_summary was requested"),
        ({"report_type": "4"}, "params.report_type is 4 (usage_daily); usage_summary was requested"),
        (
            {"report_type": "usage_daily"},
            "params.report_type is usage_daily (usage_daily); usage_summary was",
        ),
        ({"report_type": 4.0}, "(usage_daily); usage_summary was requested"),
        ({"report_level": 3}, "params.report_level is 3 (accounts); direct_partners was requested"),
        ({"report_level": "all customers"}, "params.report_level is all customers (all_customers); direct"),
        ({"kind": "usage_daily"}, "the report's kind is usage_daily"),
        ({"tenant_id": "22222222-2222-4222-8222-222222222222"}, "is about tenant 22222222-"),
    ],
)
def test_report__not_as_requested__is_refused(tmp_path: Path, params: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReportRefusedError) as refused:
        opened(tmp_path, REQUESTED, **params)

    assert reason in refused.value.what
    again = "requested" in refused.value.what or "before it begins" in reason
    assert ("Request the report again" in refused.value.todo) is again
    assert refused.value.todo.startswith("Nothing was loaded.")


@pytest.mark.parametrize("name", ["report_type", "report_level", "kind"])
@pytest.mark.parametrize(
    "value", [..., None, "", "summary", "Direct partners of Alpenland", "sNaN", [5], True]
)
def test_report__kind_or_level_not_understood__is_taken(tmp_path: Path, name: str, value: Any) -> None:
    opened(tmp_path, REQUESTED, **{name: value})


@pytest.mark.parametrize(
    "params",
    [
        {"report_type": "5", "report_level": "1"},
        {"report_type": 5.0, "report_level": " 1 "},
        {"report_type": "usage_summary", "report_level": "Direct partners", "kind": "5"},
    ],
)
def test_report__kind_and_level_as_text__are_taken(tmp_path: Path, params: dict[str, Any]) -> None:
    opened(tmp_path, REQUESTED, **params)


def test_report__type_of_another_kind__is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportRefusedError, match="report_type"):
        opened(
            tmp_path,
            ReportParameters(TENANT, REQUESTED.period, "usage_breakdown", "direct_partners"),
            report_type=4,
        )


class CountedBytes:
    """Counts the bytes that the envelope's searches look at: those searched and those parsed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        parse, brackets = strict_json.parse, envelope._TOKEN

        def counted_parse(text: str) -> Any:
            self.count += len(text)
            return parse(text)

        class CountedPattern:
            def finditer(_, text: bytes, position: int) -> Iterator[re.Match[bytes]]:  # noqa: N805
                self.count += len(text)
                return brackets.finditer(text, position)

        monkeypatch.setattr(strict_json, "parse", counted_parse)
        monkeypatch.setattr(envelope, "_TOKEN", CountedPattern())


_START = f'{{"params": {json.dumps(PARAMS)}, "tenants": ['


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        f"{_START}{','.join([ROW] * 2000)}",
        f"{_START}{','.join([ROW] * 2000)}]",
        f'{_START}{ROW}], "text": "{"]}," * 500_000}"}}',
        f'{_START}{ROW}], "text": "{"x" * 500_000}"}}',
        f'{_START}{ROW}], "more": {{{",".join(f"{chr(34)}k{n}{chr(34)}: [1]" for n in range(50_000))}}}}}',
        f'{_START}{ROW}], "slashes": "{chr(92) * 500_000}"}}',
        f"{_START}{'{},[],' * 200_000}",
        f"{_START}{'],' * 500_000}}}",
    ],
    ids=[
        "cut",
        "cut behind array",
        "brackets in text",
        "text",
        "arrays behind",
        "backslashes",
        "brackets",
        "closing",
    ],
)
def test_read_envelope__any_content__looks_at_each_byte_a_few_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    path = tmp_path / "report.json"
    path.write_text(content)
    work = CountedBytes(monkeypatch)

    with suppress(ReportRefusedError):
        envelope.read_envelope(path)

    assert 0 < work.count < 4 * len(content) + 200_000


@pytest.mark.slow
def test_read_envelope__text_behind_the_rows__is_valid(tmp_path: Path) -> None:
    for text in ("]}," * 100_000, chr(92) * 200_000, chr(92) * 131_072 + "]", 'a\\"]}' * 50_000):
        content = f'{_START}{ROW}, {ROW}], "text": {json.dumps(text)}, "lists": [[1], {{"a": []}}]}}'

        assert len(load_json(content.encode(), tmp_path)[0]) == 2
