"""The calls of Acronis' tutorial for a billing report, in its order: `tutorial.py URL ID SECRET FOLDER`.

It uses nothing of the product. Statements that the tutorial shows are those of the tutorial; only the polling
that it recommends in words is written out, and the two files are saved to the folder.
"""

import json
import sys
import time
from pathlib import Path

import requests

data_centre_url, client_id, client_secret, folder = sys.argv[1:]

base_url = f"{data_centre_url}/api/2"
response = requests.post(
    f"{base_url}/idp/token",
    headers={"Content-Type": "application/x-www-form-urlencoded"},
    auth=(client_id, client_secret),
    data={"grant_type": "client_credentials"},
    timeout=30,
)
assert response.status_code == 200
auth = {"Authorization": "Bearer " + response.json()["access_token"]}
response = requests.get(f"{base_url}/clients/{client_id}", headers=auth, timeout=30)
assert response.status_code == 200
tenant_id = response.json()["tenant_id"]

report_data: object = {
    "parameters": {
        "kind": "usage_summary",
        "tenant_id": tenant_id,
        "level": "direct_partners",
        "period": {"start": "2017-05-01", "end": "2017-05-07"},
        "formats": ["csv_v2_0", "json_v2_0"],
        "hide_zero_usage": True,
        "show_skus": True,
    },
    "schedule": {"type": "once"},
    "result_action": "save",
}
report_data = json.dumps(report_data, indent=4)
response = requests.post(
    f"{base_url}/reports",
    headers={"Content-Type": "application/json", **auth},
    data=report_data,
    timeout=30,
)
assert response.status_code == 200
answer = response.json()
print(json.dumps(answer))
report_id = answer["id"]

deadline = time.monotonic() + 60
while True:
    response = requests.get(f"{base_url}/reports/{report_id}/stored", headers=auth, timeout=30)
    assert response.status_code == 200
    stored_reports = response.json()["items"]
    if stored_reports and all(stored_report["status"] == "saved" for stored_report in stored_reports):
        break
    assert time.monotonic() < deadline
    time.sleep(0.1)

for report_format in ("csv_v2_0", "json_v2_0"):
    stored_report_id = [
        stored_report["id"]
        for stored_report in stored_reports
        if stored_report["report_format"] == report_format and stored_report["status"] == "saved"
    ][-1]
    response = requests.get(
        f"{base_url}/reports/{report_id}/stored/{stored_report_id}", headers=auth, timeout=30
    )
    assert response.status_code == 200
    if report_format == "csv_v2_0":
        Path(folder, "report.csv").write_text(response.text, encoding="utf-8", newline="")
    else:
        stored_report_data = response.json()
        Path(folder, "report.json").write_text(json.dumps(stored_report_data), encoding="utf-8")
