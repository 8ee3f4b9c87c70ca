"""A world whose data plane has a clock that tests turn: what takes an hour on the wire takes no time here, and a machine that
stalls changes nothing. The event loop's own clock goes on as ever."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from services.lb.sockets.selector import serving_selector
from tests.lb.world import World, world_on


class Turned:
    """Seconds of the data plane's clock. `pass_` turns it on and lets the node look what has taken too long."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self.world: World | None = None

    def __call__(self) -> float:
        return time.monotonic() + self._ahead

    def pass_(self, seconds: float) -> None:
        assert self.world is not None
        self._ahead += seconds
        plane = self.world.node.plane
        plane.selector.now = self()
        plane.sweep()


def in_slow_world(body: Callable[[World, Turned], Awaitable[None]]) -> Callable[[], None]:
    def test() -> None:
        clock = Turned()
        selector = serving_selector(clock)

        async def run() -> None:
            async with asyncio.timeout(20), world_on(selector) as world:
                clock.world = world
                await body(world, clock)

        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
            runner.run(run())

    test.__name__ = body.__name__
    test.__doc__ = body.__doc__
    return test


def held(world: World) -> int:
    """Bytes that wait in the node, both ways."""
    return sum(client.held for client in world.node.plane.clients)
