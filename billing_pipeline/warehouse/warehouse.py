"""What every warehouse can do, wherever its tables lie."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

import duckdb

Result = TypeVar("Result")

PUBLISHED = "published"
"""Name under which a change sees the state before it, as a read-only database beside its own."""


class Warehouse(Protocol):
    """The tables and views that reports are loaded into and questions are put to."""

    @property
    def place(self) -> str:
        """Where the tables lie, as it may be told to anybody."""

    def exists(self) -> bool:
        """Whether anything has ever been published.

        Raises:
            WarehouseError: that cannot be found out.
        """

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A read-only connection to the published state.

        Raises:
            WarehouseError: nothing has been published yet, or the warehouse cannot be opened.
        """

    def change(
        self, subject: str, action: str, work: Callable[[duckdb.DuckDBPyConnection], Result]
    ) -> Result:
        """Do `work` in one transaction: readers see all of it or nothing.

        Of two changes of one subject the second one sees what the first did. A change that meets
        another one may be done again, on the state that is there then, so `work` must be repeatable.

        Args:
            subject: what is changed, such as a billing period.
            action: what happens to it, in a word or two, for whoever reads the warehouse's own history.
            work: is given a connection inside the transaction; the state before it is attached
                read-only as `published`, if anything was published. An error undoes everything.

        Returns:
            What the work returned when it was done last.

        Raises:
            WarehouseError: the warehouse cannot be changed. Nothing changed.
        """

    def confine(self, connection: duckdb.DuckDBPyConnection, query: str) -> None:
        """Make sure that a query read-only through `connection` changes nothing and reads no other files.

        Args:
            connection: from `reading`; it can do nothing else any more.

        Raises:
            WarehouseError: the query would do more than ask.
        """

    def maintain(self, *, keep_days: int, grace_hours: int) -> str:
        """Compact what many loads left, and forget states that are older than anybody asks for.

        Never changes a row.

        Args:
            keep_days: how far back earlier states can be asked for.
            grace_hours: how long files that are no longer needed are kept for readers under way.

        Returns:
            What was done, in a sentence.

        Raises:
            WarehouseError: it could not be done; every row is as it was.
        """
