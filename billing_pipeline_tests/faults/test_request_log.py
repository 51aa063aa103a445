"""The log of a sandbox shows how much a client did at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from billing_pipeline_tests.faults.conftest import Opener
from billing_pipeline_tests.harness.request_log import most_at_once


def test_most_at_once__downloads_in_turn_then_together__counts(open_sandbox: Opener) -> None:
    caller = open_sandbox()
    for report in (caller.create() for _ in range(2)):
        for stored in caller.saved(report):
            caller.call("GET", f"/reports/{report}/stored/{stored['id']}")
            # An answer has ended for the server a moment after the caller has it.
            while any(each["ended"] is None for each in caller.sandbox.requests):
                time.sleep(0.01)
    assert most_at_once(caller.sandbox.requests) == {"open_reports": 1, "downloads": 1}

    reports = [caller.create() for _ in range(3)]
    paths = [f"/reports/{report}/stored/{caller.saved(report)[0]['id']}" for report in reports]
    all_there = threading.Barrier(len(paths))
    caller.sandbox.set_faults({"route": "download", "fault": {"type": "delay", "seconds": 1}})

    def download(path: str) -> None:
        all_there.wait()
        caller.call("GET", path)

    with ThreadPoolExecutor(len(paths)) as pool:
        list(pool.map(download, paths))
    assert most_at_once(caller.sandbox.requests) == {"open_reports": 3, "downloads": 3}
