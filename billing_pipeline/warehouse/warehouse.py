"""The protocol of a warehouse, independent of its storage."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

import duckdb

if TYPE_CHECKING:
    from billing_pipeline.warehouse.history import LoadAttempt

Result = TypeVar("Result")

PUBLISHED = "published"
"""Name of the read-only database with the published state, attached during a change."""


class Warehouse(Protocol):
    """The tables and views that reports are loaded into and queries read."""

    @property
    def location(self) -> str:
        """Where the tables are stored, for messages; without secrets."""

    def exists(self) -> bool:
        """Whether anything has ever been published.

        Raises:
            WarehouseError: that cannot be found out.
        """

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A read-only connection to the published state, without a limit of memory, for the caller to close.

        Raises:
            WarehouseError: as `reading`.
        """

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A read-only connection to the published state, which stays the same for as long as it is open.

        Raises:
            WarehouseError: nothing has been published yet, or the warehouse cannot be opened.
        """

    def change(self, work: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Do `work` in one transaction: readers see all of it or nothing.

        Changes are serialised: each sees what the one before it did.

        Args:
            work: called once, with a connection inside the transaction; the published state, if any, is
                attached read-only as `published`. An error rolls everything back.

        Returns:
            What `work` returned.

        Raises:
            WarehouseError: the warehouse cannot be changed. Nothing changed.
        """

    def record_failure(self, attempt: "LoadAttempt") -> None:
        """Record an attempt that has changed no usage; later readers see it in `load_history`.

        Raises:
            BillingPipelineError: it cannot be recorded.
        """

    def execute_read_only(
        self, connection: duckdb.DuckDBPyConnection, query: str
    ) -> duckdb.DuckDBPyConnection:
        """Run an untrusted query, so that it changes nothing and reads no other files.

        Args:
            connection: from `reading`; restricted for good, so that it runs this query only.

        Returns:
            The cursor with the query's result.

        Raises:
            WarehouseError: the query would do more than read.
            duckdb.Error: the query is wrong.
        """
