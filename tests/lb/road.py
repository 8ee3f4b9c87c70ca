"""A client, a plane and two targets without a kernel: sockets that only count; everything between them is the node's own, the
access log included."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab.core.elbv2.config import Attributes, HealthCheck, Listener, LoadBalancerConfig, LogTarget, Target, TargetGroup
from lab.core.elbv2.health import State, TargetHealth
from lab.core.elbv2.rules import FixedResponse, Forward, PathPattern, Rule, default_rule
from services.lb.logs.logs import Logs
from services.lb.logs.spool import Spool
from services.lb.routing.table import compile_table
from services.lb.serving.downstream import Client
from services.lb.serving.front import compile_fronts
from services.lb.serving.peer import Peer
from services.lb.serving.plane import Plane
from services.lb.serving.upstream import IDLE, Upstream
from services.lb.sockets.endpoint import Endpoint
from services.lb.sockets.selector import READ, Handler, serving_selector
from services.lb.targets.target import TargetState

HEAD = (
    b"GET /shop/%d?page=2 HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\nUser-Agent: test/1.0\r\n"
    b"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\nCookie: session=%d; theme=dark\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\nConnection: keep-alive\r\n\r\n" + b"x" * 100
)


class CountingSocket:
    """As much of a socket as the data plane uses. `calls` are those that would have gone to the kernel."""

    def __init__(self) -> None:
        self.number = os.eventfd(0)
        self.incoming: list[bytes] = []
        self.calls = 0
        self.sent = 0

    def fileno(self) -> int:
        return self.number

    def recv(self, _: int) -> bytes:
        self.calls += 1
        return self.incoming.pop()

    def send(self, data: bytes) -> int:
        self.calls += 1
        self.sent += len(data)
        return len(data)

    def close(self) -> None:
        os.close(self.number)


class Road:
    """A plane with one client, whose requests go by 20 rules to two targets with a connection each."""

    def __init__(self, directory: Path) -> None:
        self.selector = serving_selector(time.monotonic)
        rules = tuple(Rule(f"arn:{n}", n, (PathPattern((f"/never/{n}/*",)),), FixedResponse(404)) for n in range(1, 21))
        targets = tuple(Target(f"i-{port}", 80, "a", "127.0.0.1", port) for port in (9001, 9002))
        config = LoadBalancerConfig(
            1,
            "app/lb/1",
            "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/lb/1",
            "lb.example",
            1.0,
            (Listener("arn:listener", "HTTP", 80, (*rules, default_rule(Forward((("arn:group", 1),))))),),
            (TargetGroup("arn:group", "group", "HTTP", HealthCheck(), targets),),
            Attributes(access_logs=LogTarget("logs")),
        )
        table, _ = compile_table(config, None, "a", 0.0, os.urandom)
        self.logs = Logs(
            Spool(directory), "10.0.0.1", clock=time.monotonic, wall_clock=time.time, random_bytes=os.urandom
        )
        self.logs.configure(config)
        self.plane = Plane(self.selector, table, time.time, os.urandom, logs=self.logs)
        self.plane.fronts = compile_fronts(config, table.listeners)
        for target in table.targets():
            target.health = TargetHealth(State.HEALTHY)
        for group in table.groups.values():
            group.refresh(0.0)
        self.sockets: list[CountingSocket] = []
        self.client = self.endpoint()
        Client(self.client, self.plane, Peer("127.0.0.1", 50000, 80, b"TID_1"))
        self._warm(table.targets())

    def endpoint(self) -> Endpoint:
        sock: Any = CountingSocket()
        self.sockets.append(sock)
        return Endpoint(sock, self.selector, READ)

    def _warm(self, targets: Iterable[TargetState]) -> None:
        """The first request to a target finds its connection just made; from the second on it is pooled."""
        for target in targets:
            upstream = Upstream(self.endpoint(), target)
            target.pool.append(upstream)
            upstream.state = IDLE
        for number in range(20):
            self.request(number)

    def request(self, number: int) -> None:
        self.send(HEAD % (number, number))

    def send(self, head: bytes) -> None:
        """A request that a target answers."""
        client: Any = self.client.sock
        client.incoming.append(head)
        before = [sock.sent for sock in self.sockets]
        self._batch(self.client)
        [index] = [i for i, sock in enumerate(self.sockets) if sock.sent > before[i]]
        target: Any = self.sockets[index]
        target.incoming.append(ANSWER)
        self._batch(self.selector._handlers[target.fileno()])

    def _batch(self, handler: Handler) -> None:
        self.selector.serving = True
        handler.on_ready(READ)
        self.selector._end_batch()

    def close(self) -> None:
        self.selector.close()
        for sock in self.sockets:
            sock.close()
