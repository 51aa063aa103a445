"""Each type of fault as an HTTP client sees it."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import time
import zlib
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from billing_pipeline_tests.faults.catalogue import CATALOGUE
from billing_pipeline_tests.faults.conftest import Opener
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.api_caller import Caller


@pytest.fixture
def report(caller: Caller[FaultySandbox]) -> tuple[str, str]:
    """A report of json_v2_0 that is ready: its id and that of its file."""
    report_id = caller.create(formats=["json_v2_0"])
    return report_id, caller.saved(report_id)[0]["id"]


def _raw(
    caller: Caller[FaultySandbox], report: tuple[str, str], timeout: float = 10
) -> http.client.HTTPResponse:
    """The download's answer, with nothing decoded."""
    connection = http.client.HTTPConnection("127.0.0.1", caller.sandbox.port, timeout=timeout)
    path = f"/api/2/reports/{report[0]}/stored/{report[1]}"
    connection.request("GET", path, headers={"Authorization": f"Bearer {caller.token}"})
    return connection.getresponse()


ANSWERS = [name for name, fault in CATALOGUE.items() if fault.rule["fault"]["type"] == "answer"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ANSWERS)
def test_answer_fault__each__given_instead_of_the_real_answer(
    caller: Caller[FaultySandbox], name: str
) -> None:
    rule = CATALOGUE[name].rule
    report_id = caller.create(formats=["json_v2_0"])
    stored_id = caller.saved(report_id)[0]["id"]
    requests_by_route: dict[str, Callable[[], requests.Response]] = {
        "token": lambda: caller.call("POST", "/idp/token", data={"grant_type": "client_credentials"}),
        "client": lambda: caller.call("GET", f"/clients/{caller.sandbox.client_id}"),
        "create_report": lambda: caller.call("POST", "/reports", json=caller.body()),
        "report": lambda: caller.call("GET", f"/reports/{report_id}"),
        "tenant_reports": lambda: caller.call("GET", f"/tenants/{caller.sandbox.tenant_id}/reports"),
        "stored_reports": lambda: caller.call("GET", f"/reports/{report_id}/stored"),
        "download": lambda: caller.call("GET", f"/reports/{report_id}/stored/{stored_id}"),
        "any": lambda: caller.call("GET", f"/reports/{report_id}"),
    }
    send = requests_by_route[rule["route"]]
    created = caller.sandbox.reports_created
    caller.sandbox.set_faults(name)
    fault = rule["fault"]
    for _ in range(rule.get("times") or 3):
        answer = send()
        assert answer.status_code == fault.get("status", 200)
        if "error" in fault:
            assert answer.json()["error"]["details"]["info"] == fault["error"]
        elif "json" in fault:
            assert answer.json() == fault["json"]
        elif fault.get("login_page"):
            assert "<form>" in answer.text
            assert answer.headers["Content-Type"].startswith("text/html")
        else:
            assert answer.text == fault.get("text", "")
    carried_out = bool(fault.get("carried_out"))
    assert caller.sandbox.reports_created - created == (1 if carried_out else 0)
    if "times" in rule:
        assert send().status_code in {
            200,
            400,
            401,
        }  # the real one: the token request has no Basic credentials


def test_answer_fault__retry_after__as_the_rule_says(caller: Caller[FaultySandbox]) -> None:
    expected = {
        "create_429_seconds": "1",
        "create_429_negative": "-5",
        "create_429_huge": "1000000000",
        "create_429_words": "a little later",
    }
    for name, text in expected.items():
        caller.sandbox.set_faults(name)
        answer = caller.call("POST", "/reports", json=caller.body())
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, text)
    for name, seconds in (("create_429_date", 2), ("create_429_past_date", -3600)):
        caller.sandbox.set_faults(name)
        answer = caller.call("POST", "/reports", json=caller.body())
        date = parsedate_to_datetime(answer.headers["Retry-After"])
        assert date.timestamp() - time.time() == pytest.approx(seconds, abs=60)
        assert answer.headers["Retry-After"].endswith("GMT")


@pytest.mark.parametrize("name", ["create_answer_lost", "create_answer_reset", "create_reset_before"])
def test_silence_fault__create_report__connection_ends(caller: Caller[FaultySandbox], name: str) -> None:
    created = caller.sandbox.reports_created
    caller.sandbox.set_faults(name)
    with pytest.raises(requests.ConnectionError) as caught:
        caller.call("POST", "/reports", json=caller.body())
    assert ("reset by peer" in str(caught.value)) is ("reset" in name)
    assert caller.sandbox.reports_created - created == (0 if name == "create_reset_before" else 1)
    assert caller.sandbox.requests[-1]["status"] is None
    caller.create()


def test_silence_fault__hanging_answer__others_are_served(caller: Caller[FaultySandbox]) -> None:
    caller.sandbox.set_faults("create_answer_hangs")
    created = caller.sandbox.reports_created
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            caller.url + "/reports",
            json=caller.body(),
            headers={"Authorization": f"Bearer {caller.token}"},
            timeout=0.3,
        )
    assert caller.sandbox.reports_created == created + 1
    caller.create()


def test_silence_fault__sandbox_stopped__hanging_threads_end(open_sandbox: Opener) -> None:
    others = set(threading.enumerate())
    caller = open_sandbox()
    caller.sandbox.set_faults({"route": "any", "fault": {"type": "silence", "how": "hang"}})
    with pytest.raises(requests.ReadTimeout):
        requests.get(caller.url + "/clients/x", timeout=0.3)
    assert set(threading.enumerate()) - others
    caller.sandbox.stop()
    for thread in set(threading.enumerate()) - others:
        thread.join(timeout=30)
        assert not thread.is_alive()


def test_echo_fault__create_report__body_has_token_and_secret(caller: Caller[FaultySandbox]) -> None:
    caller.sandbox.set_faults("create_echo")
    answer = caller.call("POST", "/reports", json=caller.body())
    assert answer.status_code == 400
    assert f"Bearer {caller.token}" in answer.text
    assert caller.sandbox.client_secret in answer.text


def test_redirect_fault__default__another_name_of_the_host(
    caller: Caller[FaultySandbox], report: tuple[str, str]
) -> None:
    caller.sandbox.set_faults({"use": "download_redirect", "times": 1})
    path = f"/reports/{report[0]}/stored/{report[1]}"
    answer = caller.call("GET", path, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"http://localhost:{caller.sandbox.port}/api/2{path}"


def test_redirect_fault__other_sandbox__receives_the_request(
    caller: Caller[FaultySandbox], open_sandbox: Opener
) -> None:
    other = open_sandbox()
    location = other.sandbox.base_url + "{path}"
    fault = {"type": "redirect", "status": 307, "location": location}
    caller.sandbox.set_faults({"route": "report", "fault": fault})
    caller.call("GET", "/reports/x")
    assert other.sandbox.requests[-1]["path"] == "/api/2/reports/x"
    assert other.sandbox.requests[-1]["authorized"] is False  # requests strips it for another port


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("download_cut", http.client.IncompleteRead),
        ("download_reset", ConnectionResetError),
    ],
)
def test_delivery_fault__body_cut_or_reset__error_while_reading(
    caller: Caller[FaultySandbox], report: tuple[str, str], name: str, error: type[Exception]
) -> None:
    caller.sandbox.set_faults(name)
    answer = _raw(caller, report)
    assert answer.status == 200
    assert int(answer.headers["Content-Length"]) > 1000
    with pytest.raises(error):
        answer.read()
    assert gzip.decompress(_raw(caller, report).read())


@pytest.mark.parametrize("name", ["download_cut_chunked", "download_cut_without_length"])
def test_delivery_fault__no_length__half_a_body_without_error(
    caller: Caller[FaultySandbox], report: tuple[str, str], name: str
) -> None:
    caller.sandbox.set_faults(name)
    answer = _raw(caller, report)
    assert "Content-Length" not in answer.headers
    part = answer.read()
    whole = _raw(caller, report).read()
    assert part == whole[: len(whole) // 2]


@pytest.mark.parametrize("name", ["download_drips", "download_stalls"])
def test_delivery_fault__drip_or_stall__read_times_out(
    caller: Caller[FaultySandbox], report: tuple[str, str], name: str
) -> None:
    caller.sandbox.set_faults(name)
    answer = _raw(caller, report, timeout=0.5)
    length = int(answer.headers["Content-Length"])
    assert len(answer.read(length // 2 - 1)) == length // 2 - 1
    with pytest.raises(TimeoutError):
        answer.read()


def test_delivery_fault__fast_drip__whole_body_arrives(
    caller: Caller[FaultySandbox], report: tuple[str, str]
) -> None:
    fault = {"type": "delivery", "how": "drip", "at": 0.999, "seconds": 0.001}
    caller.sandbox.set_faults({"route": "download", "fault": fault})
    assert json.loads(gzip.decompress(_raw(caller, report).read()))


def test_encoding_fault__each__wrong_as_the_fault_says(
    caller: Caller[FaultySandbox], report: tuple[str, str]
) -> None:
    good = _raw(caller, report).read()
    text = gzip.decompress(good)

    def struck(name: str) -> tuple[bytes, str | None]:
        caller.sandbox.set_faults(name)
        answer = _raw(caller, report)
        body = answer.read()
        assert int(answer.headers["Content-Length"]) == len(body)
        return body, answer.headers["Content-Encoding"]

    assert struck("download_gzip_without_header") == (good, None)
    assert struck("download_header_without_gzip") == (text, "gzip")
    assert struck("download_gzip_garbage")[0].startswith(good)
    assert gzip.decompress(struck("download_gzip_twice")[0]) == good
    truncated = zlib.decompressobj(31)
    assert text.startswith(truncated.decompress(struck("download_truncated_gzip")[0]))
    assert not truncated.eof
    with pytest.raises(gzip.BadGzipFile, match="CRC"):
        gzip.decompress(struck("download_bad_crc")[0])
    caller.sandbox.set_faults(
        {"route": "download", "fault": {"type": "encoding", "how": "bomb", "bytes": 10**7}}
    )
    bomb = _raw(caller, report).read()
    assert len(bomb) < 20_000
    assert len(gzip.decompress(bomb)) > 10**7


def test_delivery_fault__chunked__same_bytes(caller: Caller[FaultySandbox], report: tuple[str, str]) -> None:
    good = _raw(caller, report).read()
    caller.sandbox.set_faults("download_chunked")
    answer = _raw(caller, report)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.read() == good


def test_token_fault__each__token_wrong_as_the_fault_says(caller: Caller[FaultySandbox]) -> None:
    path = f"/clients/{caller.sandbox.client_id}"

    def token_after(name: str) -> dict[str, Any]:
        caller.sandbox.set_faults(name)
        credentials = (caller.sandbox.client_id, caller.sandbox.client_secret)
        form = {"grant_type": "client_credentials"}
        answer = requests.post(caller.url + "/idp/token", auth=credentials, data=form, timeout=10)
        caller.token = answer.json().get("access_token", "none")
        body: dict[str, Any] = answer.json()
        return body

    assert token_after("token_expired_already")["expires_on"] < time.time()
    assert caller.call("GET", path).status_code == 200
    assert "expires_on" not in token_after("token_without_expiry")
    assert "access_token" not in token_after("token_without_token")
    token_after("token_valid_once")
    assert [caller.call("GET", path).status_code for _ in range(2)] == [200, 401]
    token_after("token_valid_never")
    assert caller.call("GET", path).status_code == 401


def test_revoke_fault__while_polling__status_401_until_new_token(caller: Caller[FaultySandbox]) -> None:
    report_id = caller.create()
    caller.sandbox.set_faults("token_revoked_while_polling")
    path = f"/reports/{report_id}/stored"
    assert [caller.call("GET", path).status_code for _ in range(3)] == [200, 401, 401]
    caller.log_in()
    assert caller.call("GET", path).status_code == 200


def test_merge_fault__each__answer_changed_as_the_fault_says(caller: Caller[FaultySandbox]) -> None:
    def created(name: str) -> requests.Response:
        caller.sandbox.set_faults(name)
        return caller.call("POST", "/reports", json=caller.body())

    real = caller.body()["parameters"]
    assert created("create_201").status_code == 201
    assert created("create_extra_fields").json()["parameters"] == real | {"colour": ["blue"]}
    assert created("create_bad_id").json()["id"] == "../../etc/passwd"
    assert created("create_without_id").json()["id"] is None
    assert created("create_other_period").json()["parameters"]["period"]["start"] == "2001-01-01"
    assert created("create_other_tenant").json()["parameters"]["tenant_id"] != real["tenant_id"]
    caller.sandbox.set_faults()
    report_id = caller.create()
    caller.sandbox.set_faults("report_other_parameters")
    assert caller.call("GET", f"/reports/{report_id}").json()["parameters"]["level"] == "accounts"
    caller.sandbox.set_faults("everything_extra_fields")
    assert caller.call("GET", f"/reports/{report_id}").json()["x-request-cost"] == {"units": 3}
    caller.sandbox.set_faults("client_without_tenant")
    assert caller.call("GET", f"/clients/{caller.sandbox.client_id}").json()["tenant_id"] is None


def test_stored_fault__each__items_changed_as_the_fault_says(caller: Caller[FaultySandbox]) -> None:
    report_id = caller.create()
    real = {item["report_format"]: item for item in caller.saved(report_id)}

    def seen(name: str) -> dict[str, dict[str, Any]]:
        caller.sandbox.set_faults(name)
        return {item["report_format"]: item for item in caller.poll(report_id)}

    assert seen("stored_empty_always") == {}
    assert {item["status"] for item in seen("stored_unknown_always").values()} == {"archived"}
    assert {item["status"] for item in seen("stored_failed_always").values()} == {"failed"}
    assert all("id" not in item for item in seen("stored_saved_without_id").values())
    assert {item["id"] for item in seen("stored_bad_id").values()} == {"../../etc/passwd"}
    assert seen("stored_one_format_only") == {"json_v2_0": real["json_v2_0"]}
    one = seen("stored_one_format_saved")
    assert one["json_v2_0"] == real["json_v2_0"]
    assert one["csv_v2_0"]["status"] == "in_progress"
    assert seen("stored_failed_one_format")["csv_v2_0"]["status"] == "failed"
    wrong = seen("stored_wrong_size")
    assert wrong["json_v2_0"]["size"] == real["json_v2_0"]["size"] + 1
    assert "+" not in seen("stored_created_at_without_offset")["csv_v2_0"]["created_at"]
    assert seen("stored_status_null")["csv_v2_0"]["status"] is None
    caller.sandbox.set_faults("stored_unknown_once")
    assert [caller.poll(report_id)[0]["status"] for _ in range(2)] == ["archived", "saved"]


def test_delay_fault__unknown_report__real_answer(caller: Caller[FaultySandbox]) -> None:
    caller.sandbox.set_faults({"route": "report", "fault": {"type": "delay", "seconds": 0.05}})
    assert caller.call("GET", "/reports/x").status_code == 404
