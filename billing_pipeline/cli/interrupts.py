"""Ctrl-C and SIGTERM, which end a command even where their exception does not.

Python drops an exception that a signal raises in a finalizer. DuckDB notices a signal only between the tasks
of a query, and turns its exception into a `RuntimeError`. So the signals themselves are noted as well.

The kernel may deliver a signal to another thread than the main one. Python raises its exception only once the
main thread runs again, so a thread wakes it.
"""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# Ignored by default, so that nothing else sends or handles it.
_WAKE = signal.SIGURG
_SECONDS_BETWEEN_WAKES = 0.5

_connections: "list[duckdb.DuckDBPyConnection]" = []


def handle_interrupts() -> None:
    """Let SIGTERM raise `KeyboardInterrupt` as Ctrl-C does, and note both from now on."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(_WAKE, lambda *_: None)
    signal.set_wakeup_fd(_pipe()[1], warn_on_full_buffer=False)
    report = sys.unraisablehook
    sys.unraisablehook = lambda lost: None if is_interrupted() else report(lost)
    threading.Thread(target=_end_waiting, args=[threading.get_ident()], daemon=True).start()


def is_interrupted() -> bool:
    """Whether one of the signals has arrived."""
    reader, writer = _pipe()
    numbers = b""
    with suppress(BlockingIOError):
        numbers = os.read(reader, 1024)
    if interrupted := bool({signal.SIGINT, signal.SIGTERM} & set(numbers)):
        os.write(writer, bytes(set(numbers)))  # for the next call
    return interrupted


@contextmanager
def interruptible(connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Let the signals interrupt the connection's queries at once."""
    _connections.append(connection)
    try:
        yield
    finally:
        _connections.remove(connection)


def _end_waiting(main_thread: int) -> None:
    """Once a signal has arrived, interrupt what the main thread waits for."""
    select.select([_pipe()[0]], [], [])
    for connection in _connections:
        connection.interrupt()
    while True:  # the main thread may begin to wait just after it was woken
        signal.pthread_kill(main_thread, _WAKE)
        time.sleep(_SECONDS_BETWEEN_WAKES)


@cache
def _pipe() -> tuple[int, int]:
    """Into which the interpreter writes the number of each signal, whatever handles it."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends
