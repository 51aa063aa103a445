"""A body is received to its last byte, or not at all."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterator

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from billing_pipeline.acronis.body import BodyError, decoded, limited, received
from billing_pipeline_tests.harness.scripted_server import Part, ScriptedServer, reply

CONTENTS = st.binary(max_size=2000).filter(lambda content: not content.startswith(b"\x1f\x8b"))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@given(st.lists(CONTENTS, min_size=1, max_size=4), st.integers(1, 64), st.binary(max_size=4))
def test_decoded__several_members_any_chunks__yields_content(
    contents: list[bytes], size: int, padding: bytes
) -> None:
    whole = b"".join(contents)
    if whole.startswith(b"\x1f\x8b"):
        return
    stream = b"".join(gzip.compress(content) for content in contents) + b"\0" * len(padding)
    assert b"".join(decoded(pieces(stream, size), "gzip")) == whole
    assert b"".join(decoded(pieces(stream, size), "")) == whole


@given(CONTENTS, st.integers(1, 64), st.data())
def test_decoded__truncated_gzip__raises(content: bytes, size: int, data: st.DataObject) -> None:
    stream = gzip.compress(content)
    cut = stream[: data.draw(st.integers(2, len(stream) - 1))]
    with pytest.raises(BodyError, match="too early"):
        list(decoded(pieces(cut, size), "gzip"))


@given(st.binary(min_size=1, max_size=500), st.data())
def test_decoded__wrong_checksum__raises(content: bytes, data: st.DataObject) -> None:
    stream = bytearray(gzip.compress(content))
    stream[-data.draw(st.integers(1, 8))] ^= 1
    with pytest.raises(BodyError, match="damaged"):
        list(decoded(iter([bytes(stream)]), "gzip"))


@given(CONTENTS, st.integers(1, 64))
def test_decoded__not_gzip__passes_despite_header(content: bytes, size: int) -> None:
    assert b"".join(decoded(pieces(content, size), "gzip")) == content


def test_decoded__compressed_twice__is_decompressed_twice() -> None:
    assert b"".join(decoded(iter([gzip.compress(gzip.compress(b"{}"))]), "gzip")) == b"{}"


def test_decoded__garbage_after_gzip__raises() -> None:
    with pytest.raises(BodyError, match="follows the end"):
        list(decoded(iter([gzip.compress(b"{}") + b"garbage"]), "gzip"))


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, Br", "x-compress"])
def test_decoded__compression_not_requested__raises(encoding: str) -> None:
    with pytest.raises(BodyError, match="which was not requested"):
        list(decoded(iter([b"x"]), encoding))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF8", "none", "None", "binary", "8bit", "gzip, utf-8", ",", "plain"]
)
def test_decoded__no_compression_named__bytes_decide(encoding: str) -> None:
    for sent in (b"{}", gzip.compress(b"{}")):
        assert b"".join(decoded(iter([sent]), encoding)) == b"{}"


def test_limited__decompression_bomb__raises_early() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    seen: list[int] = []
    with pytest.raises(BodyError, match="limit of 1000000 bytes") as refused:
        seen.extend(len(chunk) for chunk in limited(decoded(iter([bomb]), "gzip"), 1_000_000))
    assert sum(seen) <= 1_000_000
    assert not refused.value.retry_helps


TRICKLE: list[Part] = [b"1", 0.05] * 200
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([reply(b"half of it", length=20)], "broke off|10 of 20"),
        ([CHUNKED + b"5\r\nhello\r\n"], "broke off"),
        ([CHUNKED + b"ff\r\nhello"], "broke off"),
        ([CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n"], "broke off"),
        ([reply(b"hello", length=20), 10.0], "nothing more|longer than"),
        ([reply(b"", length=1000), *TRICKLE], "longer than"),
        ([CHUNKED, *TRICKLE], "longer than"),
    ],
    ids=["short", "no last chunk", "half a chunk", "bad chunk", "silence", "trickle", "trickling chunk size"],
)
def test_received__incomplete_body__raises(
    server: ScriptedServer, answer: list[bytes | float], reason: str
) -> None:
    server.on("GET /api/2/file", answer)
    with (
        requests.get(f"{server.base_url}/file", stream=True, timeout=(2, 0.8)) as response,
        pytest.raises(BodyError, match=reason) as error,
    ):
        list(received(response, deadline_seconds=1.0, stop=threading.Event()))
    assert error.value.retry_helps


def test_received__stalled_transfer__raises_before_deadline(server: ScriptedServer) -> None:
    server.on("GET /api/2/file", [reply(b"", length=1000), *TRICKLE])
    with (
        requests.get(f"{server.base_url}/file", stream=True, timeout=5) as response,
        pytest.raises(BodyError, match="stalled"),
    ):
        list(received(response, deadline_seconds=300, stop=threading.Event(), slowest_window=0.2))


def test_received__stop_set__raises(server: ScriptedServer) -> None:
    server.on("GET /api/2/file", [reply(b"", length=1000), *TRICKLE])
    stop = threading.Event()
    with requests.get(f"{server.base_url}/file", stream=True, timeout=5) as response:
        chunks = received(response, deadline_seconds=300, stop=stop)
        next(chunks)
        stop.set()
        with pytest.raises(BodyError, match="stopped"):
            list(chunks)


@pytest.mark.parametrize("content", [b"", b"x", b"line\n" * 100_000])
def test_received__complete_body__yields_it(server: ScriptedServer, content: bytes) -> None:
    server.on("GET /api/2/length", reply(content))
    server.on("GET /api/2/chunked", CHUNKED + b"".join(chunked(content)))
    for path in ("length", "chunked"):
        with requests.get(f"{server.base_url}/{path}", stream=True, timeout=5) as response:
            assert b"".join(received(response, deadline_seconds=60, stop=threading.Event())) == content


def chunked(content: bytes) -> Iterator[bytes]:
    for piece in pieces(content, 1000):
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"
