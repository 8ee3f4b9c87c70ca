"""A worker at its end of the link: what it says, and when."""

import os
import socket
import time
from typing import Any

from lab.core.elbv2.rules import FixedResponse
from services.lb.node.allowance import UNLIMITED
from services.lb.node.duty import Duty
from services.lb.node.link import Link, Message
from services.lb.node.messages import Orders, orders_to_json
from services.lb.node.worker import Worker
from services.lb.serving.listener import open_sockets
from tests.eventually import eventually
from tests.lb.world import World, in_world


class Supervisor:
    """The other end."""

    def __init__(self, world: World) -> None:
        ours, theirs = socket.socketpair()
        self.heard: list[dict[str, Any]] = []
        self.sweeps = 0
        self.to_say: list[Message] = []
        self.link = Link(
            ours,
            compose=lambda: self.to_say.pop(0) if self.to_say else None,
            received=lambda body, _: self.heard.append(body),
            ended=lambda: None,
        )
        self.worker = Worker(
            "a",
            world.node.plane.selector,
            UNLIMITED,
            clock=time.monotonic,
            wall_clock=time.time,
            random_bytes=os.urandom,
        )
        self.duty = Duty(self.worker, theirs, 5.0, self._swept)

    def _swept(self) -> None:
        self.sweeps += 1

    def say(self, body: dict[str, Any], *sockets: socket.socket) -> None:
        self.to_say.append(Message(body, sockets))
        self.link.poke()


@in_world
async def test_from_the_first_orders_to_the_end(world: World) -> None:
    supervisor = Supervisor(world)
    await eventually(lambda: supervisor.sweeps > 0)
    assert supervisor.heard == []  # it has no orders, so it is not behind anybody's
    [sock] = open_sockets("127.0.0.1", 0, 1)
    config = world.config(action=FixedResponse(200))
    orders = orders_to_json(Orders(7, config, {}, {80: 1}), with_config=True)
    supervisor.say({"orders": orders, "sockets": [1]}, sock)
    await eventually(lambda: [body["serial"] for body in supervisor.heard] == [7])
    # The same document again, which is not sent again, without the listener.
    orders = orders_to_json(Orders(8, config, {}, {}), with_config=False)
    supervisor.say({"orders": orders, "sockets": []})
    await eventually(lambda: supervisor.heard[-1]["serial"] == 8)
    assert supervisor.worker.plane.table.config == config
    assert supervisor.worker.listeners == {}
    supervisor.say({"drain": 3600.0})
    await supervisor.duty.done()
    supervisor.link.close()
    sock.close()


@in_world
async def test_who_has_no_supervisor_ends(world: World) -> None:
    supervisor = Supervisor(world)
    supervisor.link.close()
    await supervisor.duty.done()
    assert supervisor.worker.plane.draining
