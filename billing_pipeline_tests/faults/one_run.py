"""A run of the ordering functions as a process that can be killed: `one_run <base url> <id> <data folder>`.

The secret comes from the environment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pydantic import SecretStr

from billing_pipeline.acronis import AcronisClient
from billing_pipeline.ordering import await_stored_reports, download_report, request_report
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.harness.faults import PERIOD, QUICK


def main() -> None:
    base_url, client_id, data_dir = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    secret = SecretStr(os.environ["SECRET"])
    with AcronisClient(f"{base_url}/api/2", client_id, secret, retry_policy=QUICK, read_timeout=60) as client:
        parameters = ReportParameters(client.own_tenant_id(), PERIOD, "usage_summary", "direct_partners")
        request = request_report(client, data_dir, parameters, first_wait=0.02, timeout=60)
        await_stored_reports(client, data_dir, PERIOD, first_wait=0.02, timeout=60)
        download_report(client, data_dir, PERIOD)
        print(request.report_id)


if __name__ == "__main__":
    main()
