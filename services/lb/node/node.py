"""The node: which configuration is in force, which targets are well, which ports are open, what is reported of all that.

`offer` is the only way a configuration gets in. It checks the document again, whoever published it, probes its targets,
opens its ports, and tells the workers, who do the rest. Knows neither where documents come from nor where reports go, nor
that the workers are processes (services.lb.node.crew).

The listening sockets are made here and every worker gets its own: a worker that dies leaves its socket, and the connections
that wait in it, to its successor.
"""

import asyncio
import itertools
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lab.core.elbv2.check import problems
from lab.core.elbv2.config import LoadBalancerConfig, Target
from lab.core.elbv2.health import DRAINING, TargetHealth
from lab.core.elbv2.report import NodeReport, TargetReport
from services.lb.logs.logs import Logs
from services.lb.node.health import Prober, registered
from services.lb.node.messages import NOTHING, Orders, Status, TargetCounts
from services.lb.node.tally import Tally
from services.lb.serving.listener import open_sockets
from services.lb.targets.target import TargetKey

_RETRY_SECONDS = 0.5

_log = logging.getLogger("lb")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the node is. `bind_ports` maps listener ports to ports of this machine; the others are bound as they are."""

    node_id: str
    boot_id: str
    zone: str
    bind_host: str
    bind_ports: Mapping[int, int]


class Crew(Protocol):
    """The workers, wherever they run. What they do comes back by `Node.heard` and `Node.lost`."""

    @property
    def size(self) -> int: ...

    def tell(self, orders: Orders, sockets: Mapping[int, list[socket.socket]]) -> None:
        """All workers are to obey `orders`. `sockets` are those of the listeners, by their numbers, one for each worker;
        they stay the caller's."""


class Node:
    """`changed` is called when a report should go out at once. Must be made within the running event loop."""

    def __init__(self, identity: Identity, crew: Crew, clock: Callable[[], float], logs: Logs | None = None) -> None:
        self.identity = identity
        self.changed: Callable[[], None] = lambda: None
        self.config = NOTHING
        self.metrics_at = ""  # host:port
        self._crew = crew
        self._tally = Tally(crew.size)
        self._logs = logs
        self._prober = Prober(clock, self._health_changed, logs)
        self._numbers = itertools.count(1)
        self._listeners: dict[int, int] = {}
        self._sockets: dict[int, list[socket.socket]] = {}
        self._unbound: dict[int, str] = {}
        self._serial = 0
        self._generations = {0: 0}  # of serials that some worker may not have got beyond
        self._rejected = 0
        self._rejected_why = ""
        self._retrying = asyncio.create_task(self._retry())

    def offer(self, config: LoadBalancerConfig) -> bool:
        """Puts `config` in force, or refuses it and says why in the next report. Whether it was sound."""
        reasons = problems(config)
        if reasons:
            self._rejected = config.generation
            self._rejected_why = "; ".join(reasons)
            _log.error("configuration %d is refused: %s", config.generation, self._rejected_why)
            self.changed()
            return False
        self._rejected, self._rejected_why = 0, ""
        self.config = config
        self._serial += 1
        self._generations[self._serial] = config.generation
        self._prober.follow(config)
        if self._logs is not None:
            self._logs.configure(config)
        self._tally.forget(self._prober.health, [group.arn for group in config.target_groups])
        self._unbound.clear()
        self._listen()
        _log.info(
            "configuration %d is in force: %d listeners, %d targets",
            config.generation,
            len(config.listeners),
            len(self._prober.health),
        )
        self._tell()
        self.changed()
        return True

    def heard(self, worker: int, status: Status) -> None:
        """A worker says how it stands."""
        before = self._tally.serial, self._tally.refused
        self._tally.heard(worker, status)
        if before != (self._tally.serial, self._tally.refused):
            for serial in [serial for serial in self._generations if serial < self._tally.serial]:
                del self._generations[serial]
            self.changed()

    def lost(self, worker: int) -> None:
        """A worker ended. Its successor must be told the newest orders before anything else."""
        self._tally.lost(worker, self._serial)
        self._tell()

    def report(self) -> NodeReport:
        tally = self._tally
        why = "; ".join(filter(None, (*self._unbound.values(), tally.refused)))
        return NodeReport(
            node_id=self.identity.node_id,
            boot_id=self.identity.boot_id,
            zone=self.identity.zone,
            applied=self._generations.get(
                tally.serial, 0
            ),  # 0: a successor could not put in force what it was told first
            targets=tuple(
                _target_report(key, checks.target, self._prober.health[key], tally.target(key))
                for key, checks in registered(self.config)
            ),
            counters=tally.counters(),
            groups=tuple(tally.group(group.arn) for group in self.config.target_groups),
            active_connections=tally.active_connections,
            metrics_at=self.metrics_at,
            rejected=self._rejected or (self.config.generation if why else 0),
            rejected_why=self._rejected_why or why,
        )

    def close_listeners(self) -> None:
        """For good. What the workers have of them stays open until they drain: that is all they are told, lest one answers in
        between as if it were to stay."""
        self._retrying.cancel()
        for port in list(self._listeners):
            self._close(port)

    async def stop(self) -> None:
        """Ends everything of this object's at once; the workers are not its own."""
        self.close_listeners()
        await asyncio.gather(self._retrying, return_exceptions=True)
        await self._prober.stop()
        if self._logs is not None:
            await self._logs.stop()

    def _health_changed(self) -> None:
        self._tell()
        self.changed()

    def _tell(self) -> None:
        self._crew.tell(
            Orders(self._serial, self.config, self._prober.health.copy(), self._listeners.copy()), self._sockets
        )

    def _listen(self) -> bool:
        """Brings the listening sockets in step with the configuration; also tries again where binding failed. Whether there
        is any change."""
        before = self._listeners.copy()
        wanted = [listener.port for listener in self.config.listeners]
        for port in [port for port in self._listeners if port not in wanted]:
            self._close(port)
            _log.info("listener %d is closed", port)
        for port in wanted:
            if port not in self._listeners:
                self._open(port)
        return self._listeners != before

    def _open(self, port: int) -> None:
        host = self.identity.bind_host
        bind_port = self.identity.bind_ports.get(port, port)
        try:
            sockets = open_sockets(host, bind_port, self._crew.size)
        except (OSError, OverflowError) as error:
            why = (
                f"listener {port} cannot be bound to {host}:{bind_port} ({error}); "
                f"stop what uses that port or map it to another one in LB_PORTS"
            )
            if self._unbound.get(port) != why:
                _log.error("%s", why)
                self._unbound[port] = why
            return
        self._listeners[port] = number = next(self._numbers)
        self._sockets[number] = sockets
        self._unbound.pop(port, None)
        _log.info("listener %d is open on %s:%d", port, host, sockets[0].getsockname()[1])

    def _close(self, port: int) -> None:
        for sock in self._sockets.pop(self._listeners.pop(port)):
            sock.close()

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(_RETRY_SECONDS)
            if self._unbound and self._listen():
                self._tell()
                self.changed()
            if self._logs is not None:
                self._logs.tick()


def _target_report(key: TargetKey, target: Target, health: TargetHealth, counts: TargetCounts) -> TargetReport:
    shown = DRAINING if target.draining else health
    return TargetReport(
        target_group_arn=key[0],
        id=target.id,
        port=target.port,
        state=shown.state.value,
        reason=shown.reason,
        description=shown.description,
        in_flight=counts.in_flight,
        requests=counts.requests,
        errors=counts.errors,
        bytes_in=counts.bytes_in,
        bytes_out=counts.bytes_out,
        anomalous=counts.anomalous,
        mitigated=counts.mitigated,
    )
