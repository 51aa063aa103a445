"""What a page of another site can make an operator's browser send to Dagster's webserver."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from billing_pipeline_tests.dagster_ui import wait_until_serving
from billing_pipeline_tests.harness.command_line import OWN_SETTINGS
from billing_pipeline_tests.harness.processes import free_port

pytestmark = pytest.mark.slow

WEBSERVER = "billing_pipeline.orchestration.webserver"
CONFIGURED = "billing.example"
QUERY = "{ version }"
MUTATION = "mutation { setNuxSeen }"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The deployment's webserver, with a configured host name."""
    port = free_port()
    outside = {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}
    home = tmp_path_factory.mktemp("home")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "billing_pipeline.orchestration.webserver",
            "--empty-workspace",
            "--port",
            str(port),
        ],
        env={**outside, "DAGSTER_HOME": str(home), "BILLING_UI_HOSTS": f"{CONFIGURED}, other.example"},
        cwd=home,
    )
    try:
        wait_until_serving(address := f"http://127.0.0.1:{port}", process)
        yield address
    finally:
        process.terminate()
        process.wait()


def own_origins(url: str) -> list[str]:
    port = urlsplit(url).port
    return [
        f"127.0.0.1:{port}",
        f"localhost:{port}",
        f"LOCALHOST:{port}",
        f"[::1]:{port}",
        f"127.8.8.8:{port}",
    ]


def test_webserver__names_of_loopback_and_configured__serves_page_and_graphql(url: str) -> None:
    for host in (*own_origins(url), CONFIGURED, f"{CONFIGURED}:443", "Other.example"):
        page = requests.get(f"{url}/runs?view=all", headers={"Host": host}, timeout=30)
        assert "<html" in page.text, host
        for origin in ({}, {"Origin": f"https://{host}"}, {"Origin": f"https://{CONFIGURED}"}):
            headers = {"Host": host, **origin}
            asked = requests.post(f"{url}/graphql", json={"query": QUERY}, headers=headers, timeout=30)
            assert asked.json()["data"]["version"], headers


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "",
        "[",
        "billing.exampl",
    ],
)
def test_webserver__unknown_host__is_refused(url: str, host: str) -> None:
    for path in ("/", "/server_info", "/graphql"):
        assert requests.get(url + path, headers={"Host": host}, timeout=30).status_code in {400, 403}
    asked = requests.post(f"{url}/graphql", json={"query": QUERY}, headers={"Host": host}, timeout=30)
    assert asked.status_code in {400, 403}


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost:9",  # another program of this machine
        "http://127.0.0.1",
        "https://billing.example.evil.example",
        "https://evil.example:3000/billing.example",
        "null",
        "",
        "http://[",
    ],
)
def test_webserver__foreign_origin__neither_posts_nor_opens_a_websocket(url: str, origin: str) -> None:
    for body in ({"json": {"query": MUTATION}}, {"params": {"query": MUTATION}}):
        posted = requests.post(f"{url}/graphql", headers={"Origin": origin}, timeout=30, **body)  # type: ignore[arg-type]
        assert posted.status_code == 403
    with pytest.raises(InvalidHandshake):
        open_websocket(url, origin)


def test_webserver__websocket__opens_for_its_own_page_only(url: str) -> None:
    for host in own_origins(url)[:2]:
        open_websocket(url, f"http://{host}", host)
    with pytest.raises(InvalidHandshake):
        open_websocket(url, "http://evil.example", "evil.example")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/graphql", "/%67raphql", "//graphql"])
@pytest.mark.parametrize("accept", ["*/*", "text/html", "image/avif,image/webp,*/*;q=0.8"])
def test_webserver__graphql_by_get__is_not_executed(url: str, method: str, path: str, accept: str) -> None:
    answer = requests.request(
        method, url + path, params={"query": MUTATION}, headers={"Accept": accept}, timeout=30
    )
    assert answer.status_code == 405


def open_websocket(url: str, origin: str, host: str | None = None) -> None:
    """Open the page's WebSocket, as a page of `origin` does, and wait until Dagster acknowledges it."""
    server = urlsplit(url)
    with connect(
        f"ws://{host or server.netloc}/graphql",
        origin=Origin(origin),
        subprotocols=[Subprotocol("graphql-ws")],
        sock=socket.create_connection((server.hostname, server.port)),
        proxy=None,
    ) as websocket:
        websocket.send('{"type": "connection_init"}')
        assert "connection_ack" in str(websocket.recv(timeout=30))
