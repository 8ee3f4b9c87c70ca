"""Console output for actions.

An action is one step of the store and does not wait, and what a machine wrote is with the compute adapter. So the first
question for it raises Unread, and who asked reads it and asks again.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from lab.core.errors import Refused

T = TypeVar("T")

LINES = 10_000


class Unread(Exception):  # noqa: N818 - no error: the question has to be asked again
    """The console of this machine has to be read first."""

    def __init__(self, machine_id: str) -> None:
        super().__init__(machine_id)
        self.machine_id = machine_id


class Consoles:
    """What was read lives for one question: the next may find more."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def text(self, machine_id: str) -> str:
        """What a machine wrote, empty when it is gone. Raises Unread outside of `reading`, and once inside."""
        if machine_id not in self._texts:
            raise Unread(machine_id)
        return self._texts[machine_id]

    async def reading(self, ask: Callable[[], T], logs: Callable[[str, int], Awaitable[str]]) -> T:
        """The answer of `ask`, with the consoles it needs; `logs` is the compute adapter's."""
        texts: dict[str, str] = {}
        while True:
            self._texts = texts
            try:
                return ask()
            except Unread as wanted:
                missing = wanted.machine_id
            finally:
                self._texts = {}
            try:
                texts[missing] = await logs(missing, LINES)
            except Refused:
                texts[missing] = ""
