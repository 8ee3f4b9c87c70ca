"""The store of desired state, as its users see it. `lab.adapters.store` keeps the rows; tests keep them in memory.

A row is a frozen dataclass of JSON-like values with a `key` that is unique within its class. What AWS would call a
resource is one row; change is `put` of a new value. Everything a decision depends on is a row or a metric: nothing lives in
the process alone.
"""

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar


class Row(Protocol):
    @property
    def key(self) -> str: ...


R = TypeVar("R", bound=Row)
T = TypeVar("T")


class Watch(Protocol):
    """Collects whom changes of rows are about."""

    def take(self) -> set[tuple[type[Row], Hashable]]:
        """The classes and fields' values of the rows that were put or deleted since the last time, as they were before and as
        they are now; perhaps also of some that were put and taken back."""


class Store(Protocol):
    def get(self, kind: type[R], key: str) -> R | None:
        """The row, or None."""

    def all(self, kind: type[R]) -> list[R]:
        """Every row of the class, in the order in which they were first put."""

    def where(self, kind: type[R], field: str, value: Hashable) -> list[R]:
        """The rows of the class whose field is `value`, in the order of `all`; found by an index, without looking at the
        others. Raises AttributeError when the class has no such field."""

    def derived(self, make: Callable[["Store"], T], *kinds: type[Row]) -> T:
        """`make(store)`, a pure function of the rows of these classes: made again only after one of them has changed. It is
        known by `make` itself, a function of a module, and what it gives must not be changed."""

    def revision(self, *kinds: type[Row]) -> int:
        """A number that grows with each change of a row of these classes, and with no other."""

    def watch(self, fields: Mapping[type[Row], str]) -> Watch:
        """Begins to watch the rows of these classes; by the class, the field whose value tells whom a row is about."""

    def put(self, row: Row) -> None:
        """Insert the row, or replace the one with its key."""

    def delete(self, kind: type[R], key: str) -> None:
        """Remove the row; nothing happens when there is none."""

    def transaction(self) -> AbstractContextManager[None]:
        """All changes made inside become durable together when the outermost block ends, or none of them when it raises.
        A change outside any block is a transaction of its own."""
