"""Wait for the world to become so, without guessing how long it takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL = 0.02


async def eventually(probe: Callable[[], Awaitable[T]], holds: Callable[[T], bool], deadline: float = 20.0) -> T:
    """The first value of `probe` of which `holds` is true; an AssertionError with the last one after `deadline` s."""
    end = time.monotonic() + deadline
    while not holds(value := await probe()):
        assert time.monotonic() < end, f"not within {deadline:g} s; last seen: {value!r}"
        await asyncio.sleep(INTERVAL)
    return value
