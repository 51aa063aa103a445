"""Certificates are verified; a company's own CA is trusted if the environment names it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr

from billing_pipeline.acronis import AcronisClient, ApiUnavailableError
from billing_pipeline.errors import ApiError, CredentialsError
from billing_pipeline_tests.harness.scripted_server import CLIENT_ID, QUICK, SECRET

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for loopback."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    path = tmp_path / "self-signed.pem"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(path), "-out", str(tmp_path / "cert")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name, *files]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "cert").read_text())
    return path


@pytest.fixture
def client(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AcronisClient]:
    """A client of a server with that certificate, which answers everything with 401."""
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)

    class Unauthorized(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(401)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Unauthorized)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    url = f"https://127.0.0.1:{server.server_port}/api/2"
    with AcronisClient(url, CLIENT_ID, SecretStr(SECRET), retry_policy=QUICK) as client:
        yield client
    server.shutdown()
    thread.join()
    server.server_close()


def test_client__untrusted_certificate__fails_at_once(client: AcronisClient) -> None:
    with pytest.raises(ApiError, match="certificate is not trusted") as error:
        client.own_tenant_id()
    assert not isinstance(error.value, ApiUnavailableError)
    assert "REQUESTS_CA_BUNDLE" in error.value.todo


def test_client__verification_off_in_session__is_verified(client: AcronisClient) -> None:
    client._transport._session.verify = False
    with pytest.raises(ApiError, match="certificate is not trusted"):
        client.own_tenant_id()


@pytest.mark.parametrize("name", BUNDLES)
def test_client__bundle_in_environment__is_trusted(
    client: AcronisClient, certificate: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(certificate))
    with pytest.raises(CredentialsError, match="401"):
        client.own_tenant_id()
