"""The control plane's composition root: reads the settings, wires adapters to ports, serves until it is told to stop.

Stopping it stops nothing else: load balancer nodes, instances and databases go on, and the next control plane finds them.
"""

import asyncio
import logging
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from lab.actions.context import Account
from lab.adapters.authority import Authority
from lab.adapters.buckets import FileBuckets
from lab.adapters.clock import SystemClock, wall_time
from lab.adapters.dns.messages import reply
from lab.adapters.dns.server import DnsServer
from lab.adapters.ids import random_id
from lab.adapters.metrics import MetricStore
from lab.adapters.own_process import own_use
from lab.adapters.probe import SocketProber
from lab.adapters.ssh_keys import SshKeys
from lab.adapters.store import SqliteStore
from lab.api.app import create_app
from lab.api.status import status
from lab.composition import open_compute
from lab.control.loop import Loop
from lab.control.nodes import NodeBook
from lab.control.resolver import resolver
from lab.control.world import World
from lab.core.errors import AdapterError, LabError, Refused
from lab.core.machines import Site
from lab.readiness import missing_pieces
from lab.rows import ROWS
from lab.settings import Settings, from_environment
from lab.stack.model import Stack
from lab.stack.service import Stacks

log = logging.getLogger("lab")


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises Refused when the lab cannot start, with what to do."""
    _make_state_directory(settings.state)
    store = SqliteStore(settings.state / "lab.sqlite", ROWS)
    opened = await open_compute(settings)
    metrics = MetricStore(settings.state / "metrics.sqlite")
    clock = SystemClock(settings.state / "clock.json", settings.speed)
    world = World(
        store=store,
        metrics=metrics,
        compute=opened.compute,
        clock=clock,
        new_id=random_id,
        account=Account(public_block=settings.internet),
        site=Site(
            opened.control_url,
            {80: settings.listener_port, 443: settings.tls_port},
            nodes_by_name=opened.kind == "docker",
        ),
        nodes=NodeBook(clock.wall_between),
        certificates=Authority(settings.state / "authority", wall_time),
        keys=SshKeys(),
        buckets=FileBuckets(settings.state / "buckets"),
        prober=SocketProber(),
        draw=random.random,
        places=settings.dns_places,
    )
    stacks = Stacks(world)
    loop = Loop(world, stacks.advance, metrics.flush)
    _deploy_first_stack(settings, world, stacks)
    app = create_app(world, loop, stacks.call, opened.kind, own_use, vpc_reply(world))
    dns = DnsServer(resolver(world))
    with _listening(settings) as listener:
        loop.resolver_problem = await _serve_dns(dns, settings)
        server = _Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="websockets-sansio",
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        turning = asyncio.create_task(loop.run(), name="loop")
        telling = asyncio.create_task(_tell_when_up(lambda: status(world, loop, opened.kind)), name="tell")
        log.info(
            "the control plane serves %s (%s, lab time at %g times the wall clock)",
            settings.api_url,
            opened.kind,
            clock.speed,
        )
        try:
            await server.serve(sockets=[listener])
        finally:
            turning.cancel()
            telling.cancel()
            await asyncio.gather(turning, telling, return_exceptions=True)
            await dns.close()
            await opened.compute.close()
            metrics.close()
            store.close()


async def _tell_when_up(look: Callable[[], dict[str, Any]]) -> None:
    """For those who watch `docker compose up`: what is waited for, and at the end where the lab is."""
    waiting = ""
    while missing := missing_pieces(document := look()):
        if missing[0] != waiting:
            waiting = missing[0]
            log.info("waiting for %s", waiting)
        await asyncio.sleep(0.25)
    for balancer in document["load_balancers"]:
        for node in balancer["nodes"]:
            log.info("the lab is up: %s (load balancer, %s)", " ".join(node["urls"]), node["zone"])


class _Server(uvicorn.Server):
    """Ends on a signal without passing it on: the composition root decides what a signal means."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True


def _make_state_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Closed to others; as root others may pass through, for PostgreSQL then runs as nobody. The files in it are 600.
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        probe = path / ".writable"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise Refused(
            f"the state directory {path} cannot be written ({error.strerror}): free it, or set LAB_STATE"
        ) from error


def _deploy_first_stack(settings: Settings, world: World, stacks: Stacks) -> None:
    """The default stack, unless the lab has had one before."""
    if settings.stack is None or world.store.all(Stack):
        return
    try:
        template = settings.stack.read_text()
    except OSError as error:
        raise Refused(f"the stack file {settings.stack} cannot be read: {error.strerror}") from error
    try:
        parameters = [{"ParameterKey": k, "ParameterValue": v} for k, v in settings.stack_parameters.items()]
        request = {"StackName": settings.stack_name, "TemplateBody": template, "Parameters": parameters}
        stacks.call("cloudformation", "CreateStack", request)
    except LabError as error:
        raise Refused(f"the stack file {settings.stack} cannot be deployed: {error.message}") from error


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.api_bind, settings.api_port))
    except OSError as error:
        listener.close()
        raise Refused(
            f"port {settings.api_port} on {settings.api_bind} is in use by another program: stop it, or set LAB_API_PORT"
        ) from error
    with listener:
        yield listener


def vpc_reply(world: World) -> Callable[[str, bytes, str, bool], bytes | None]:
    """What the resolvers of VPCs answer."""
    return lambda vpc_id, query, client, udp: reply(query, resolver(world, vpc_id), client, udp=udp)


async def _serve_dns(dns: DnsServer, settings: Settings) -> str:
    """Why DNS is not served, empty when it is. The lab does without: 5353 is the port of multicast DNS, too."""
    where = f"127.0.0.1:{settings.dns_port}"
    try:
        if not settings.dns_published:
            raise Refused(
                f"port {settings.dns_port} on 127.0.0.1 was taken, or LAB_DNS_PORT not given to docker compose"
            )
        await dns.start(settings.api_bind, settings.dns_port)
    except Refused as error:
        problem = f"{error}: set LAB_DNS_PORT to a free port"
        log.warning("the lab's names cannot be asked for at %s: %s", where, problem)
        return problem
    log.info("the lab's names can be asked for at %s", where)
    return ""


def main() -> None:
    """`python -m lab.main`"""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    try:
        settings = from_environment(os.environ)
        asyncio.run(run(settings))
    except AdapterError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
