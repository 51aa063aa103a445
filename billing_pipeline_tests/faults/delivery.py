"""Answers that reach the client broken, in the ways in which networks break them."""

from __future__ import annotations

import os
import socket
import struct
import threading
from dataclasses import dataclass

from billing_pipeline.sandbox.messages import Answer
from billing_pipeline.sandbox.server import RequestHandler

_CHUNK = 1 << 18
SILENT = {"close", "reset", "hang"}
PARTIAL = {"cut", "cut_chunked", "cut_close_delimited", "reset_midway", "stall", "drip", "chunked"}


@dataclass(slots=True)
class BrokenAnswer(Answer):
    """An answer with the way in which its delivery fails.

    Args:
        how: nothing at all and then `close` or `reset` the connection, or `hang`; a part and then `cut` (with
            the full Content-Length), `cut_chunked` (a clean end of chunked encoding), `cut_close_delimited`
            (no length at all), `reset_midway` or `stall`; `drip`, a byte at a time after the part; `chunked`,
            whole in chunked encoding.
        at: share of the body that is sent at full speed, 0 to 1.
        seconds: between two dripped bytes; or how long to hang or stall.
        stopping: ends all waits when it is set.
    """

    how: str = "cut"
    at: float = 0.5
    seconds: float = 3600.0
    stopping: threading.Event | None = None

    def wait(self, seconds: float) -> bool:
        """Wait; True if the sandbox is stopping."""
        return self.stopping is not None and self.stopping.wait(seconds)


class FaultyHandler(RequestHandler):
    """Delivers broken answers as they say."""

    def deliver(self, answer: Answer) -> None:
        """Send an answer, whole or broken."""
        if not isinstance(answer, BrokenAnswer):
            super().deliver(answer)
        elif answer.how in SILENT:
            if answer.how == "hang":
                answer.wait(answer.seconds)
            self._hang_up(reset=answer.how == "reset")
        elif answer.how in {"cut_chunked", "chunked"}:
            self._send_chunked(answer, 1.0 if answer.how == "chunked" else answer.at)
        else:
            self._send_part(answer)

    def _send_part(self, answer: BrokenAnswer) -> None:
        content = answer.body
        part = int(len(content) * answer.at)
        self.close_connection = True
        without_length = answer.how == "cut_close_delimited"
        self.send_head(answer, {} if without_length else {"Content-Length": str(len(content))})
        self.wfile.write(content[:part])
        if answer.how == "stall":
            answer.wait(answer.seconds)
        elif answer.how == "drip":
            for position in range(part, len(content)):
                if answer.wait(answer.seconds):
                    break
                self.wfile.write(content[position : position + 1])
        elif answer.how == "reset_midway":
            # A reset discards what the client has not read yet: give it a moment to read.
            answer.wait(0.05)
            self._hang_up(reset=True)

    def _send_chunked(self, answer: BrokenAnswer, share: float) -> None:
        content = answer.body
        content = content[: int(len(content) * share)]
        self.send_head(answer, {"Transfer-Encoding": "chunked"})
        for start in range(0, len(content), _CHUNK):
            chunk = content[start : start + _CHUNK]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _hang_up(self, *, reset: bool) -> None:
        """Close the connection now; a reset skips the orderly end of the stream."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The handler's streams keep the socket open and would shut it down in order: close it beneath.
            os.close(self.connection.detach())
