"""Dagster's webserver behind a request filter; takes the options of `dagster-webserver`.

Dagster's webserver authenticates nobody, executes GraphQL mutations sent by GET, and checks neither Host nor
Origin. So any web page that an operator visits could launch runs and wipe assets in the operator's name.
"""

import sys
from collections.abc import Collection
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from billing_pipeline.errors import SettingsError
from billing_pipeline.loopback import is_loopback
from billing_pipeline.orchestration.home import disable_telemetry
from billing_pipeline.settings import PipelineSettings

_POLICY_VIOLATION = 1008


class RequestFilter:
    """ASGI middleware that refuses what a page of another site can make a browser send.

    - The name in `Host` must be known: another name is DNS rebinding.
    - A page of another origin may neither post nor open a WebSocket. Programs send no `Origin`.
    - GraphQL is executed by POST only: a GET, such as that of an image, carries no `Origin`.

    Args:
        app: the application behind the filter.
        hosts: names of the server, besides those of loopback.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with the reason of the refusal."""
        refusal = self._refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal[1]})
        else:
            status, reason = refusal
            await PlainTextResponse(f"{reason}\n", status)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The HTTP status and reason of a refusal."""
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        host = _name(f"//{hosts[0]}") if len(hosts) == 1 else None
        if host not in self._hosts and not is_loopback(host):
            return 403, "Unknown Host: add its name to BILLING_UI_HOSTS."
        for origin in origins:
            same = origin.partition("://")[2].lower() == hosts[0].lower()
            if not same and _name(origin) not in self._hosts:
                return 403, "Requests from pages of other sites are refused."
        by_get = scope["type"] == "http" and scope["method"] != "POST"
        if by_get and scope["path"].endswith("/graphql") and scope["query_string"]:
            return 405, "GraphQL is executed by POST only."
        return None


def _name(url: str) -> str | None:
    """The host name of a URL, in lower case."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def main() -> None:
    """Become Dagster's webserver."""
    from dagster_webserver import cli  # noqa: PLC0415
    from dagster_webserver.app import create_app_from_workspace_process_context  # noqa: PLC0415

    hosts: Collection[str] = ()
    try:
        hosts = PipelineSettings.load().ui_hosts
    except SettingsError as error:
        # The UI starts nevertheless, on loopback's names: it is where an operator sees the bad setting.
        print(error, file=sys.stderr)
    disable_telemetry()

    def filtered_app(*arguments: Any, **options: Any) -> ASGIApp:
        return RequestFilter(create_app_from_workspace_process_context(*arguments, **options), hosts)

    # Fails if Dagster's module has no such name: without the filter nothing is served.
    with patch.object(cli, create_app_from_workspace_process_context.__name__, filtered_app):
        cli.cli(auto_envvar_prefix="DAGSTER_WEBSERVER")


if __name__ == "__main__":
    main()
