"""Wait for a state of the world instead of sleeping."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")


async def eventually(look: Callable[[], T], deadline: float = 10.0) -> T:
    """What `look` gives as soon as it is true; fails after `deadline` seconds with what it gave last."""
    seen: object = "nothing"
    try:
        async with asyncio.timeout(deadline):
            while True:
                value = look()
                if value:
                    return value
                seen = value
                await asyncio.sleep(0.005)
    except TimeoutError:
        pytest.fail(f"not within {deadline} s; last seen: {seen!r}")
