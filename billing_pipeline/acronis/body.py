"""A response's body, received completely or not at all.

HTTP libraries accept some damage silently: a body shorter than its Content-Length, a truncated gzip stream, a
byte every ten seconds. Here each raises an error that names it. Memory stays bounded.
"""

import contextlib
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from itertools import chain

import requests
import urllib3

CHUNK_BYTES = 256 * 1024
_OTHER_COMPRESSIONS = {"br", "compress", "x-compress", "dcb", "dcz", "deflate", "zstd"}
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
SLOWEST_WINDOW_SECONDS = 30.0
SLOWEST_BYTES = 1024
"""Fewer bytes than this in a window: the transfer has stalled."""


class BodyError(Exception):
    """The body was not received completely.

    Args:
        reason: what is wrong with it, as part of a sentence.
        retry_helps: the same download may work if tried again.
    """

    def __init__(self, reason: str, *, retry_helps: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_helps = retry_helps


def content(
    response: requests.Response,
    *,
    max_bytes: int,
    deadline_seconds: float,
    stop: threading.Event | None = None,
) -> Iterator[bytes]:
    """The decoded body, in pieces of bounded size.

    Args:
        response: opened with `stream=True`.
        max_bytes: limit for the decoded content.
        deadline_seconds: the whole body must be there by then.
        stop: ends the transfer when set.

    Raises:
        BodyError: the body is incomplete or damaged, or is larger than the limit.
    """
    wire = received(response, deadline_seconds=deadline_seconds, stop=stop or threading.Event())
    return limited(decoded(wire, response.headers.get("Content-Encoding", "")), max_bytes)


def received(
    response: requests.Response,
    *,
    deadline_seconds: float,
    stop: threading.Event,
    slowest_window: float = SLOWEST_WINDOW_SECONDS,
) -> Iterator[bytes]:
    """The body's bytes as they come over the wire, transfer encoding undone, content encoding not.

    Args as for `content`; at least `SLOWEST_BYTES` must come in `slowest_window` seconds.

    Raises:
        BodyError: cut off (shorter than its Content-Length included), or too slow.
    """
    raw: urllib3.HTTPResponse = response.raw
    total = 0
    window_start, window_total = time.monotonic(), 0
    with _shutdown_after(deadline_seconds, raw) as expired:
        while True:
            try:
                chunk = raw.read1(CHUNK_BYTES, decode_content=False)
            except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
                if not expired.is_set():
                    stalled = isinstance(error, urllib3.exceptions.ReadTimeoutError)
                    reason = "nothing more came" if stalled else "the connection broke off"
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


@contextlib.contextmanager
def _shutdown_after(seconds: float, raw: urllib3.HTTPResponse) -> Iterator[threading.Event]:
    """Shut the connection down after a time; the event says that this has happened.

    A thread does it, because checking the clock between reads is not enough: one read can block for ever
    on a trickle of bytes.
    """
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # read to its end at this moment
            raw.shutdown()

    watchdog = threading.Timer(seconds, expire)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield expired
    finally:
        watchdog.cancel()


def decoded(chunks: Iterator[bytes], content_encoding: str) -> Iterator[bytes]:
    """The content, decompressed if the bytes are gzip; the header does not decide.

    Acronis sends `Content-Encoding: gzip`, but a gzip file without the header and a header without gzip
    both occur, and so do values that name no compression (`utf-8`, `none`); neither JSON nor CSV begins with
    gzip's magic bytes, so the bytes decide. A proxy that compresses a gzip file once more is undone as well.

    Raises:
        BodyError: the gzip stream is damaged or incomplete, or the compression is one that was not requested.
    """
    others = {name.strip() for name in content_encoding.lower().split(",")} & _OTHER_COMPRESSIONS
    if others:
        raise BodyError(f"it is encoded as {'+'.join(sorted(others))}, which was not requested")
    return _gunzipped(_gunzipped(chunks))


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(_GZIP_MAGIC):
            break
    whole = chain([head] if head else [], chunks)
    yield from _members(whole) if head.startswith(_GZIP_MAGIC) else whole


def _members(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Every member of a gzip stream; zlib checks each trailer's CRC and length."""
    stream = zlib.decompressobj(_GZIP_WINDOW)
    for chunk in chunks:
        data = chunk
        while data:
            if stream.eof:
                if not data.strip(b"\0"):  # padding
                    break
                if not data.startswith(_GZIP_MAGIC[: len(data)]):
                    raise BodyError("something follows the end of its gzip stream")
                stream = zlib.decompressobj(_GZIP_WINDOW)
            try:
                content = stream.decompress(data, CHUNK_BYTES)
            except zlib.error:
                raise BodyError("its gzip stream is damaged") from None
            data = stream.unconsumed_tail or stream.unused_data
            if content:
                yield content
    # Output may be held back although all input is taken.
    while rest := stream.decompress(b"", CHUNK_BYTES):
        yield rest
    if not stream.eof:
        raise BodyError("its gzip stream ends too early")


def limited(chunks: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
    """The same bytes, but no more than `max_bytes`: a small answer can unpack to something enormous.

    Raises:
        BodyError: there is more.
    """
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise BodyError(f"it unpacks to more than the limit of {max_bytes} bytes", retry_helps=False)
        yield chunk
