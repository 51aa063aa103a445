"""Loopback: no proxy leads there, and nothing that is sent there leaves the machine."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str | None) -> bool:
    """Whether a host, by name or address, is this machine."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def proxies_for(url: str) -> dict[str, str] | None:
    """The `proxies` of a request: none to loopback, otherwise those of the environment."""
    # An empty proxy means none, whatever `http_proxy`, `all_proxy` and `no_proxy` say.
    return {"http": "", "https": ""} if is_loopback(urlsplit(url).hostname) else None
