"""The node: holds the configuration in force, swaps it, and keeps listeners, health checks and connections in step.

`offer` is the only way a configuration gets in. It checks the document again, whoever published it, and replaces one
reference; a request that is under way keeps what it read. Knows neither where documents come from nor where reports go.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.core.elbv2.check import problems
from lab.core.elbv2.config import LoadBalancerConfig
from lab.core.elbv2.health import DRAINING
from lab.core.elbv2.report import NodeReport, TargetReport
from services.lb.health import Prober
from services.lb.listener import ListeningSocket
from services.lb.plane import Plane
from services.lb.routing import TargetState, compile_table
from services.lb.selector import ServingSelector

_log = logging.getLogger("lb")

NOTHING = LoadBalancerConfig(
    generation=0,
    name="",
    arn="",
    dns_name="",
    speed=1.0,
    listeners=(),
    target_groups=(),
)
"""In force until a document has come: no listeners."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the node is. `bind_ports` maps listener ports to ports of this machine; the others are bound as they are."""

    node_id: str
    boot_id: str
    zone: str
    bind_host: str
    bind_ports: Mapping[int, int]


class Node:
    """`changed` is called when a report should go out at once. Must be made within the running event loop."""

    def __init__(
        self,
        identity: Identity,
        selector: ServingSelector,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self.identity = identity
        self.changed: Callable[[], None] = lambda: None
        nothing, _ = compile_table(NOTHING, None, identity.zone, selector.now, random_bytes)
        self.plane = Plane(selector, nothing, wall_clock, random_bytes)
        self.listeners: dict[int, ListeningSocket] = {}
        self._clock = clock
        self._random_bytes = random_bytes
        self._unbound: dict[int, str] = {}
        self._rejected = 0
        self._rejected_why = ""
        self._prober = Prober(clock, self._health_changed)
        self._sweeper = asyncio.create_task(self._sweep())

    @property
    def config(self) -> LoadBalancerConfig:
        return self.plane.table.config

    def offer(self, config: LoadBalancerConfig) -> bool:
        """Puts `config` in force, or refuses it and says why in the next report. Whether it is in force now."""
        reasons = problems(config)
        if reasons:
            self._rejected = config.generation
            self._rejected_why = "; ".join(reasons)
            _log.error("configuration %d is refused: %s", config.generation, self._rejected_why)
            self.changed()
            return False
        self._rejected, self._rejected_why = 0, ""
        table, gone = compile_table(config, self.plane.table, self.identity.zone, self._clock(), self._random_bytes)
        self.plane.table = table
        for target in gone:
            target.retire(cut=True)
        for target in table.targets():
            if target.draining:
                target.retire(cut=False)
        self._prober.follow(table)
        self._unbound.clear()
        self._listen()
        _log.info(
            "configuration %d is in force: %d listeners, %d targets",
            config.generation,
            len(config.listeners),
            sum(1 for _ in table.targets()),
        )
        self.changed()
        return True

    def report(self) -> NodeReport:
        plane = self.plane
        unbound = "; ".join(self._unbound.values())
        return NodeReport(
            node_id=self.identity.node_id,
            boot_id=self.identity.boot_id,
            zone=self.identity.zone,
            applied=self.config.generation,
            targets=tuple(_target_report(target) for target in plane.table.targets()),
            counters=plane.counters.metrics(),
            response_times=plane.counters.histogram(),
            active_connections=len(plane.clients),
            rejected=self._rejected or (self.config.generation if unbound else 0),
            rejected_why=self._rejected_why or unbound,
        )

    async def drain(self, seconds: float) -> None:
        """Accept no more, close what is idle, let requests under way end with `Connection: close`; after `seconds` cut."""
        deadline = self._clock() + seconds
        self.plane.draining = True
        for listener in self.listeners.values():
            listener.close()
        self.listeners.clear()
        for client in list(self.plane.clients):
            client.drain()
        while self.plane.clients and self._clock() < deadline:  # noqa: ASYNC110 - the hot path sets no event for this
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Ends everything at once: tasks, listeners, connections."""
        self._sweeper.cancel()
        await asyncio.gather(self._sweeper, return_exceptions=True)
        await self._prober.stop()
        for listener in self.listeners.values():
            listener.close()
        self.listeners.clear()
        for client in list(self.plane.clients):
            client.abort()
        for target in self.plane.table.targets():
            target.retire(cut=True)

    def _health_changed(self) -> None:
        self.changed()

    def _listen(self) -> None:
        """Brings the listening sockets in step with the configuration; also tries again where binding failed."""
        if self.plane.draining:
            return
        wanted = self.plane.table.listeners
        for port in [port for port in self.listeners if port not in wanted]:
            self.listeners.pop(port).close()
            _log.info("listener %d is closed", port)
            for client in [client for client in self.plane.clients if client.port == port]:
                client.drain()
        for port in wanted:
            if port not in self.listeners:
                self._open(port)

    def _open(self, port: int) -> None:
        host = self.identity.bind_host
        bind_port = self.identity.bind_ports.get(port, port)
        try:
            listener = ListeningSocket(self.plane, host, port, bind_port)
        except (OSError, OverflowError) as error:
            why = (
                f"listener {port} cannot be bound to {host}:{bind_port} ({error}); "
                f"stop what uses that port or map it to another one in LB_PORTS"
            )
            if self._unbound.get(port) != why:
                _log.error("%s", why)
                self._unbound[port] = why
            return
        self.listeners[port] = listener
        self._unbound.pop(port, None)
        _log.info("listener %d is open on %s:%d", port, host, listener.bind_port)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(0.5, max(0.05, self.plane.table.idle_timeout / 4)))
            try:
                self.plane.stamp()
                self.plane.sweep()
                self.plane.table.tick(self._clock())
                for listener in self.listeners.values():
                    listener.resume()
                if self._unbound:
                    self._listen()
            except Exception:
                _log.exception("the sweep failed; it goes on")


def _target_report(target: TargetState) -> TargetReport:
    health = DRAINING if target.draining else target.health
    return TargetReport(
        target_group_arn=target.group.arn,
        id=target.id,
        port=target.port,
        state=health.state.value,
        reason=health.reason,
        description=health.description,
        in_flight=target.in_flight,
        requests=target.requests,
        errors=target.errors,
    )
