"""A response's body, received completely or not at all, in bounded memory.

HTTP libraries let some faults pass: a body shorter than its Content-Length, a truncated gzip stream, a
byte every ten seconds. Here each of them is a `BodyError`.
"""

from __future__ import annotations

import contextlib
import threading
import time
import zlib
from collections.abc import Iterator
from http.client import HTTPException
from itertools import chain

import requests
import urllib3

CHUNK_BYTES = 256 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
SLOWEST_WINDOW_SECONDS = 30.0
SLOWEST_BYTES = 1024
"""A transfer with fewer bytes in a window has stalled."""


class BodyError(Exception):
    """The body did not arrive completely.

    Args:
        reason: the fault, as part of a sentence.
        retry_helps: whether repeating the download may help.
    """

    def __init__(self, reason: str, *, retry_helps: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_helps = retry_helps


def received(
    response: requests.Response,
    *,
    deadline_seconds: float,
    stop: threading.Event,
    slowest_window: float = SLOWEST_WINDOW_SECONDS,
) -> Iterator[bytes]:
    """The body's bytes with the transfer encoding removed, but still with the content encoding.

    Args:
        response: opened with `stream=True`.
        deadline_seconds: limit for the whole body.
        stop: ends the transfer when set.
        slowest_window: seconds in which at least `SLOWEST_BYTES` must arrive.

    Raises:
        BodyError: the body is truncated (also: shorter than its Content-Length), or too slow.
    """
    raw: urllib3.HTTPResponse = response.raw
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # completed meanwhile
            raw.shutdown()

    # A timer thread: with a server that sends single bytes, one read can block for ever.
    watchdog = threading.Timer(deadline_seconds, expire)
    watchdog.daemon = True
    watchdog.start()
    total = 0
    window_start, window_total = time.monotonic(), 0
    try:
        while True:
            try:
                chunk = raw.read1(CHUNK_BYTES, decode_content=False)
            except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
                if not expired.is_set():
                    silent = isinstance(error, urllib3.exceptions.ReadTimeoutError)
                    reason = "nothing more came" if silent else "the connection broke off"
                    raise BodyError(f"{reason} after {total} bytes") from None
                chunk = b""
            if expired.is_set():
                raise BodyError(f"it took longer than {deadline_seconds:g} s ({total} bytes came)")
            if stop.is_set():
                raise BodyError("the download was stopped", retry_helps=False)
            if not chunk:
                break
            total += len(chunk)
            yield chunk
            now = time.monotonic()
            if now - window_start >= slowest_window:
                if total - window_total < SLOWEST_BYTES:
                    raise BodyError(f"it has stalled after {total} bytes")
                window_start, window_total = now, total
    finally:
        watchdog.cancel()


def decoded(chunks: Iterator[bytes], content_encoding: str) -> Iterator[bytes]:
    """The content, decompressed if the bytes are gzip, regardless of the header.

    A gzip file without `Content-Encoding: gzip` and the header without gzip both occur. Neither JSON nor
    CSV begins with gzip's magic bytes, so the bytes decide. A file that a proxy compressed once more is
    decompressed twice.

    Raises:
        BodyError: the gzip stream is damaged or incomplete, or the encoding was not requested.
    """
    strange = {name.strip() for name in content_encoding.lower().split(",")} - {
        "",
        "identity",
        "gzip",
        "x-gzip",
    }
    if strange:
        raise BodyError(f"it is encoded as {'+'.join(sorted(strange))[:40]}, which was not asked for")
    return _gunzipped(_gunzipped(chunks))


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(_GZIP_MAGIC):
            break
    if not head.startswith(_GZIP_MAGIC):
        if head:
            yield head
        yield from chunks
        return
    yield from _members(head, chunks)


def _members(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The content of every member of a gzip stream; zlib verifies each trailer's CRC and length."""
    stream = zlib.decompressobj(_GZIP_WINDOW)
    for chunk in chain([head], chunks):
        data = chunk
        while data:
            if stream.eof:
                if not data.startswith(_GZIP_MAGIC[: len(data)]):
                    if data.strip(b"\0"):
                        raise BodyError("something follows the end of its gzip stream")
                    break  # padding
                stream = zlib.decompressobj(_GZIP_WINDOW)
            try:
                content = stream.decompress(data, CHUNK_BYTES)
            except zlib.error:
                raise BodyError("its gzip stream is damaged") from None
            data = stream.unconsumed_tail or stream.unused_data
            if content:
                yield content
    while not stream.eof:
        # zlib may hold back output although it has consumed all input.
        rest = stream.decompress(b"", CHUNK_BYTES)
        if not rest:
            raise BodyError("its gzip stream ends too early")
        yield rest


def limited(chunks: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
    """The same chunks, up to `max_bytes` in all: protection against decompression bombs.

    Raises:
        BodyError: the content exceeds the limit.
    """
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise BodyError(f"it unpacks to more than the limit of {max_bytes} bytes", retry_helps=False)
        yield chunk
