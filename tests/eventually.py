"""Wait for a state of the world instead of sleeping."""

import asyncio
import http.client
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast, overload

T = TypeVar("T")

NOT_YET = (OSError, http.client.HTTPException, KeyError, IndexError, ValueError)
"""What a world that is not there yet answers: refused connections, half a document."""


@overload
async def eventually(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], object] = bool, deadline: float = 20.0
) -> T: ...
@overload
async def eventually(look: Callable[[], T], holds: Callable[[T], object] = bool, deadline: float = 20.0) -> T: ...
async def eventually(look: Callable[[], Any], holds: Callable[[Any], object] = bool, deadline: float = 20.0) -> Any:
    """What `look` gives, awaited if it must be, as soon as it `holds`; fails after `deadline` seconds with what it gave
    last. An OSError counts as "not yet"."""
    end, seen = time.monotonic() + deadline, cast("object", "nothing")
    while True:
        try:
            found = look()
            value = await found if inspect.isawaitable(found) else found
            if holds(value):
                return value
            seen = value
        except OSError as error:
            seen = error
        assert time.monotonic() < end, f"not within {deadline:g} s; last seen: {seen!r}"
        await asyncio.sleep(0.005)


def until(look: Callable[[], T], deadline: float, saw: Callable[[], object] | None = None) -> T:
    """The same for tests that look from outside and do not run a loop; a failure also tells what `saw` gives."""
    end, seen = time.monotonic() + deadline, cast("object", "nothing")
    while time.monotonic() < end:
        try:
            value = look()
            if value:
                return value
            seen = value
        except NOT_YET as error:
            seen = error
        time.sleep(0.1)
    raise AssertionError(f"not within {deadline:g} s; last: {seen!r}; saw: {saw() if saw else ''}")
