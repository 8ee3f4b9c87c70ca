"""Wait for a state of the world instead of sleeping."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T]], deadline: float = 20.0) -> T:
    """What `look` gives as soon as it is true; fails after `deadline` seconds with what it gave last.

    Errors of the connection kind count as "not yet".
    """
    seen: object = "nothing"
    try:
        async with asyncio.timeout(deadline):
            while True:
                try:
                    value = await look()
                except OSError as error:
                    seen = error
                else:
                    if value:
                        return value
                    seen = value
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"not within {deadline} s; last seen: {seen!r}")
