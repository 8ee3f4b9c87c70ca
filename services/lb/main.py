"""The composition root of a node's processes: reads the environment and the clocks, wires the parts, handles signals.

No other file here reads a clock, the environment or the system's randomness. There are two kinds of process. `supervise` is
the one that was started: it talks to the control plane, probes targets, opens ports. `work` is what it starts for each
core: the data plane. Optional in the environment, besides what must be there:

    LB_DRAIN_SECONDS     10     how long requests under way may take when the node is to end
    LB_WORKERS           auto   a number; auto: one for each core that the node may use
    LB_ADDRESS           LB_BIND the node's own address, for the logs
    LB_METRICS                  the port on which to serve metrics; without it they are not served
    LB_MAX_CONNECTIONS          of clients, for the whole node; by default what memory allows; never more than `ulimit -n`
    LB_MAX_BUFFERED_MIB         held for peers that are slow, for the whole node; by default a quarter of the memory
"""

import asyncio
import logging
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.lb.logs.delivery import Delivery
from services.lb.logs.logs import Logs
from services.lb.logs.spool import Spool
from services.lb.node import lastgood
from services.lb.node.allowance import Allowance, Machine, buffered_of, connections_of, share
from services.lb.node.capacity import this_machine, use_of
from services.lb.node.control import ControlLink, ControlPlane
from services.lb.node.crew import Crew
from services.lb.node.duty import Duty
from services.lb.node.metrics import MetricsServer, node_text
from services.lb.node.node import Identity, Node
from services.lb.node.worker import Worker
from services.lb.sockets.selector import ServingSelector, serving_selector

HANG_SECONDS = 10.0
"""Of processor time, which a worker may use up without coming round to its sweep."""
DELIVERY_SECONDS = 2.0
"""For the last log files, at the end; what is left waits on the node's disk for its next start."""
EVERYWHERE = "0.0.0.0"
_MIB = 1024 * 1024

_log = logging.getLogger("lb")

_REQUIRED = ("LB_NODE_ID", "LB_ZONE", "LB_CONTROL_URL", "LB_NODE_TOKEN", "LB_BIND", "LB_PORTS", "LB_DATA")


@dataclass(frozen=True, slots=True)
class Settings:
    identity: Identity
    control: ControlPlane
    data: Path
    address: str
    """The node's own, as its log files have it."""
    drain_seconds: float
    workers: int
    allowance: Allowance
    """Each worker's."""
    metrics: int
    """The port for metrics; 0: none."""


def read_settings(environment: Mapping[str, str], boot_id: str, machine: Machine) -> Settings:
    """Raises ValueError with one line that says what is wrong. LB_PORTS may be empty: every port is bound as it is."""
    missing = [name for name in _REQUIRED if name not in environment]
    if missing:
        raise ValueError(f"{', '.join(missing)} must be set in the environment of a load balancer node")
    url = urlsplit(environment["LB_CONTROL_URL"])
    if url.scheme != "http" or not url.hostname or url.path.strip("/"):
        raise ValueError(f"LB_CONTROL_URL must look like http://host:port, not {environment['LB_CONTROL_URL']!r}")
    drain = environment.get("LB_DRAIN_SECONDS", "10")
    try:
        drain_seconds = float(drain)
    except ValueError:
        raise ValueError(f"LB_DRAIN_SECONDS must be a number of seconds, not {drain!r}") from None
    workers = machine.cores
    if environment.get("LB_WORKERS", "auto") != "auto":
        workers = _count(environment, "LB_WORKERS", workers)
    if not hasattr(os, "sched_getaffinity"):
        workers = 1  # only Linux spreads connections over sockets with SO_REUSEPORT
    connections = _count(environment, "LB_MAX_CONNECTIONS", connections_of(machine))
    buffered = _count(environment, "LB_MAX_BUFFERED_MIB", buffered_of(machine) // _MIB)
    return Settings(
        identity=Identity(
            node_id=environment["LB_NODE_ID"],
            boot_id=boot_id,
            zone=environment["LB_ZONE"],
            bind_host=environment["LB_BIND"],
            bind_ports=_ports(environment["LB_PORTS"]),
        ),
        control=ControlPlane(url.hostname, url.port or 80, environment["LB_NODE_TOKEN"]),
        data=Path(environment["LB_DATA"]),
        address=environment.get("LB_ADDRESS") or environment["LB_BIND"],
        drain_seconds=drain_seconds,
        workers=workers,
        allowance=share(machine, workers, connections, buffered * _MIB),
        metrics=_count(environment, "LB_METRICS", 0),
    )


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{name} must be a number above 0, not {text!r}")
    return int(text)


def _ports(text: str) -> dict[int, int]:
    """ "80=8080,443=8443" -> {80: 8080, 443: 8443}"""
    ports = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        listener, equals, bound = pair.partition("=")
        if not (equals and listener.isdecimal() and bound.isdecimal() and 0 < int(listener) < 65536 > int(bound)):
            raise ValueError(f"LB_PORTS must look like 80=8080,443=8443; {pair!r} does not")
        ports[int(listener)] = int(bound)
    return ports


async def supervise(settings: Settings) -> None:
    """The node but for its data plane, until SIGTERM or SIGINT; at the second one everything ends at once."""
    stop, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    _log.info(
        "%d workers, each for up to %d connections and %d KiB held for slow peers",
        settings.workers,
        settings.allowance.connections,
        settings.allowance.buffered // 1024,
    )
    jitter = random.Random()
    crew = Crew(settings.workers, _worker_command, time.monotonic, jitter)
    spool = Spool(settings.data / "logs")
    node = Node(settings.identity, crew, time.monotonic, _logs(settings, spool))
    delivery = Delivery(spool, settings.control, settings.identity.node_id, jitter)
    link = ControlLink(node, settings.control, settings.data, jitter)
    known = lastgood.load(settings.data)
    if known is not None:
        node.offer(known)
    crew.start(node.heard, node.lost)
    metrics = MetricsServer(
        lambda: _metrics(node, crew), lambda: frozenset({node.identity.node_id, node.config.dns_name})
    )
    if settings.metrics:
        port = await metrics.start(settings.identity.bind_host, settings.metrics)
        host = settings.identity.bind_host
        node.metrics_at = f"{settings.address if host == EVERYWHERE else host}:{port}" if port else ""
    following, reporting = asyncio.create_task(link.follow_config()), asyncio.create_task(link.send_reports())
    delivering = asyncio.create_task(delivery.run())
    await stop.wait()
    following.cancel()  # a document that came now would open listeners again
    node.close_listeners()
    draining, hurrying = asyncio.create_task(crew.drain(settings.drain_seconds)), asyncio.create_task(hurry.wait())
    await asyncio.wait((draining, hurrying), return_when=asyncio.FIRST_COMPLETED)
    crew.kill()
    await draining
    for task in (hurrying, reporting, delivering):
        task.cancel()
    await asyncio.gather(following, reporting, hurrying, delivering, return_exceptions=True)
    await metrics.stop()
    await node.stop()
    await delivery.finish(0.0 if hurry.is_set() else DELIVERY_SECONDS)


def _metrics(node: Node, crew: Crew) -> str:
    workers = {number: use for number, pid in crew.pids.items() if (use := use_of(pid)) is not None}
    return node_text(node.config.name, node.report(), use_of("self"), workers)


def _logs(settings: Settings, spool: Spool) -> Logs:
    logs = Logs(spool, settings.address, clock=time.monotonic, wall_clock=time.time, random_bytes=os.urandom)
    logs.start()
    return logs


def _worker_command(descriptor: int, number: int) -> list[str]:
    return [sys.executable, "-m", "services.lb", "worker", str(descriptor), str(number)]


async def work(settings: Settings, selector: ServingSelector, descriptor: int) -> None:
    """A worker, until its supervisor says so or is gone."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    logs = _logs(settings, Spool(settings.data / "logs"))
    selector.after_batch = logs.flush
    worker = Worker(
        settings.identity.zone,
        selector,
        settings.allowance,
        clock=time.monotonic,
        wall_clock=time.time,
        random_bytes=os.urandom,
        logs=logs,
    )
    await Duty(worker, socket.socket(fileno=descriptor), settings.drain_seconds, alive).done()


def alive() -> None:
    """The kernel ends a process that computes for so long without calling this again: a worker that hangs in a loop, even
    one of C code, gives way to another one. Time that it is stopped or does nothing does not count."""
    signal.setitimer(signal.ITIMER_PROF, HANG_SECONDS)


def main(arguments: Sequence[str] = ()) -> int:
    """Without arguments the node; its workers get theirs from it."""
    name = f"lb[{arguments[2]}]" if arguments else "lb"
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format=f"%(asctime)s.%(msecs)03d {name} %(message)s", datefmt="%H:%M:%S"
    )
    try:
        settings = read_settings(os.environ, os.urandom(8).hex(), this_machine())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if not arguments:
        asyncio.run(supervise(settings))
        return 0
    selector = serving_selector(time.monotonic)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(work(settings, selector, int(arguments[1])))
    return 0
