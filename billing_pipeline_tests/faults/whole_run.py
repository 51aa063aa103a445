"""All steps of one period as a process that can be killed: `whole_run <base url> <id> <data folder>`.

What the assets do, without Dagster, whose start would take longer than everything that is to be killed.
The secret comes from the environment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pydantic import SecretStr

from billing_pipeline.account_periods import SINGLE_ACCOUNT
from billing_pipeline.acronis import AcronisClient, ReportOrder
from billing_pipeline.loading import load_period
from billing_pipeline.ordering import await_stored_reports, download_report, request_report
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline.warehouse.history import loaded_report_ids
from billing_pipeline_tests.faults.conftest import PERIOD, QUICK

READY = "imported"


def main() -> None:
    base_url, client_id, data_dir = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    secret = SecretStr(os.environ["SECRET"])
    print(READY, flush=True)
    warehouse = WarehouseFile(data_dir)
    with AcronisClient(f"{base_url}/api/2", client_id, secret, retry_policy=QUICK) as client:
        order = ReportOrder(client.own_tenant_id(), PERIOD, "usage_summary", "direct_partners")
        loaded = loaded_report_ids(warehouse, PERIOD)
        request_report(client, data_dir, order, loaded_report_ids=loaded, first_wait=0.02, timeout=60)
        await_stored_reports(client, data_dir, PERIOD, first_wait=0.02, timeout=60)
        download_report(client, data_dir, PERIOD)
    load_period(data_dir, warehouse, PERIOD, account=SINGLE_ACCOUNT, run_id="whole_run")


if __name__ == "__main__":
    main()
