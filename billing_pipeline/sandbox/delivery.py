"""How an answer goes over the wire: whole, or broken in the ways that networks break things."""

from __future__ import annotations

import os
import socket
import struct
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from shutil import copyfileobj

from billing_pipeline.sandbox.messages import Answer

_CHUNK = 1 << 18
SILENT = {"close", "reset", "hang"}
PARTIAL = {"cut", "cut_chunked", "cut_close_delimited", "reset_midway", "stall", "drip", "chunked"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """How to deliver an answer.

    Args:
        how: `whole`; nothing at all and then `close` or `reset` the connection, or `hang`; a part and then
            `cut` (with the full Content-Length), `cut_chunked` (a clean end of chunked encoding),
            `cut_close_delimited` (no length at all), `reset_midway` or `stall`; `drip`, a byte at a time
            after the part; `chunked`, whole in chunked encoding.
        at: share of the body that is sent at full speed, 0 to 1.
        seconds: between two dripped bytes; or how long to hang or stall.
    """

    how: str = "whole"
    at: float = 0.5
    seconds: float = 3600.0


WHOLE = Delivery()


def deliver(
    handler: BaseHTTPRequestHandler, answer: Answer, delivery: Delivery, stopping: threading.Event
) -> None:
    """Send the answer; waits end at once when the sandbox is stopping."""
    if delivery.how in SILENT:
        if delivery.how == "hang":
            stopping.wait(delivery.seconds)
        _hang_up(handler, reset=delivery.how == "reset")
    elif delivery.how == "whole":
        _send_head(handler, answer, _length(answer))
        if handler.command != "HEAD":
            _send_body(handler, answer)
    elif delivery.how in {"cut_chunked", "chunked"}:
        _send_chunked(handler, answer, 1.0 if delivery.how == "chunked" else delivery.at)
    else:
        _send_part(handler, answer, delivery, stopping)


def _send_part(
    handler: BaseHTTPRequestHandler, answer: Answer, delivery: Delivery, stopping: threading.Event
) -> None:
    content = answer.content()
    part = int(len(content) * delivery.at)
    handler.close_connection = True
    _send_head(handler, answer, None if delivery.how == "cut_close_delimited" else len(content))
    handler.wfile.write(content[:part])
    if delivery.how == "stall":
        stopping.wait(delivery.seconds)
    elif delivery.how == "drip":
        for position in range(part, len(content)):
            if stopping.wait(delivery.seconds):
                break
            handler.wfile.write(content[position : position + 1])
    elif delivery.how == "reset_midway":
        # A reset throws away what the other side has not read yet: give it a moment to read.
        stopping.wait(0.05)
        _hang_up(handler, reset=True)


def _send_chunked(handler: BaseHTTPRequestHandler, answer: Answer, share: float) -> None:
    content = answer.content()
    content = content[: int(len(content) * share)]
    _send_head(handler, answer, None, chunked=True)
    for start in range(0, len(content), _CHUNK):
        chunk = content[start : start + _CHUNK]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    handler.wfile.write(b"0\r\n\r\n")


def _send_head(
    handler: BaseHTTPRequestHandler, answer: Answer, length: int | None, *, chunked: bool = False
) -> None:
    handler.send_response(answer.status)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    if chunked:
        handler.send_header("Transfer-Encoding", "chunked")
    elif length is not None and answer.status != 204:
        handler.send_header("Content-Length", str(length))
    if handler.close_connection:
        handler.send_header("Connection", "close")
    handler.end_headers()


def _send_body(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    if isinstance(answer.body, Path):
        with answer.body.open("rb") as file:
            copyfileobj(file, handler.wfile, _CHUNK)
    else:
        handler.wfile.write(answer.body)


def _length(answer: Answer) -> int:
    return answer.body.stat().st_size if isinstance(answer.body, Path) else len(answer.body)


def _hang_up(handler: BaseHTTPRequestHandler, *, reset: bool) -> None:
    """Close the connection now; with a reset, without the polite end of a stream."""
    handler.close_connection = True
    if reset:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The handler's streams keep the socket open, and an orderly shutdown would come first: close beneath.
        os.close(handler.connection.detach())
