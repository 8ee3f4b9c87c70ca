"""What the engine needs of the outside: the store of rows, the lab's actions, the time, new ids. Nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.core.store import Store

Call = Callable[[str, str, dict[str, Any]], dict[str, Any]]
"""`call(service, operation, request) -> response`, shapes as botocore's; raises `lab.core.errors.LabError`."""


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
