"""A world for all tests of a module: what one row of a corpus spoils would show in the next."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from services.lb.sockets.selector import serving_selector
from tests.lb.world import Handler, World, world_on


@contextmanager
def staged(handler: Handler, **changes: Any) -> Iterator[tuple[asyncio.Runner, World]]:
    """A node with one origin, and what runs in its loop. `changes` are of the document."""
    selector = serving_selector(time.monotonic)
    stack = AsyncExitStack()

    async def opened() -> World:
        world = await stack.enter_async_context(world_on(selector))
        await world.origin(handler)
        await world.run(**changes)
        return world

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        world = runner.run(opened())
        try:
            yield runner, world
        finally:
            runner.run(stack.aclose())
