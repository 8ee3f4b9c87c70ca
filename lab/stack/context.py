"""What the engine needs of the outside: a store of rows, the lab's actions, the time, new ids. Nothing else."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Row = TypeVar("Row")
Call = Callable[[str, str, dict[str, Any]], dict[str, Any]]
"""`call(service, operation, request) -> response`, shapes as botocore's; raises `lab.core.errors.LabError`."""


class Store(Protocol):
    """Rows by class and key. Every change inside `transaction()` is kept or none is; nested use joins the outer one."""

    def get(self, cls: type[Row], key: str) -> Row | None: ...

    def all(self, cls: type[Row]) -> list[Row]: ...

    def put(self, row: Any) -> None: ...

    def delete(self, cls: type[Any], key: str) -> None: ...

    def transaction(self) -> AbstractContextManager[Any]: ...


@dataclass(frozen=True, slots=True)
class EngineContext:
    """One moment of one account in one region. `now` is lab time in epoch seconds."""

    store: Store
    call: Call
    now: float
    new_id: Callable[[str], str]
    region: str
    account_id: str
    zones: tuple[str, ...]
