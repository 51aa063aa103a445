"""Alerts: a POST to a webhook when a month failed or is overdue."""

import logging
from collections.abc import Sequence

import requests
from pydantic import SecretStr

from billing_pipeline.errors import printable_line
from billing_pipeline.loopback import proxies_for

_log = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 10
_MAX_LENGTH = 500
# Slack and services compatible with it interpret these characters as markup and mentions.
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def send_alert(webhook: SecretStr | None, messages: Sequence[str]) -> None:
    """POST messages as JSON, `{"text": "…"}`, which Slack and compatible services accept.

    An alert that cannot be sent is a warning: the failure that it is about was reported already. The URL is a
    secret, and stays out of the warning.

    Args:
        webhook: the URL; without one nothing is sent.
        messages: one line each.
    """
    if webhook is None or not messages:
        return
    lines = (printable_line(message)[:_MAX_LENGTH].translate(_MARKUP) for message in messages)
    text = "\n".join(("billing_pipeline:", *lines))
    url = webhook.get_secret_value()
    try:
        response = requests.post(
            url,
            json={"text": text},
            timeout=_TIMEOUT_SECONDS,
            allow_redirects=False,
            proxies=proxies_for(url),
        )
    except requests.RequestException as error:
        _log.warning("the alert could not be sent: %s", type(error).__name__)
        return
    if not response.ok or response.is_redirect:
        _log.warning("the alert was refused with HTTP status %s", response.status_code)
