"""The composition root of a node: reads the environment and the clocks, wires the parts, handles signals.

No other file here reads a clock, the environment or the system's randomness.
"""

import asyncio
import logging
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.lb import lastgood
from services.lb.control import ControlLink, ControlPlane
from services.lb.node import Identity, Node
from services.lb.selector import ServingSelector, serving_selector

_REQUIRED = ("LB_NODE_ID", "LB_ZONE", "LB_CONTROL_URL", "LB_NODE_TOKEN", "LB_BIND", "LB_PORTS", "LB_DATA")


@dataclass(frozen=True, slots=True)
class Settings:
    identity: Identity
    control: ControlPlane
    data: Path
    drain_seconds: float


def read_settings(environment: Mapping[str, str], boot_id: str) -> Settings:
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
        drain_seconds=drain_seconds,
    )


def _ports(text: str) -> dict[int, int]:
    """ "80=8080,443=8443" -> {80: 8080, 443: 8443}"""
    ports = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        listener, equals, bound = pair.partition("=")
        if not (equals and listener.isdecimal() and bound.isdecimal() and 0 < int(listener) < 65536 > int(bound)):
            raise ValueError(f"LB_PORTS must look like 80=8080,443=8443; {pair!r} does not")
        ports[int(listener)] = int(bound)
    return ports


async def run(settings: Settings, selector: ServingSelector) -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    node = Node(settings.identity, selector, clock=time.monotonic, wall_clock=time.time, random_bytes=os.urandom)
    link = ControlLink(node, settings.control, settings.data, random.Random())
    known = lastgood.load(settings.data)
    if known is not None:
        node.offer(known)
    tasks = [asyncio.create_task(link.follow_config()), asyncio.create_task(link.send_reports())]
    await stop.wait()
    tasks[0].cancel()  # a document that came now would open listeners again
    await node.drain(settings.drain_seconds)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await node.stop()


def main() -> int:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s.%(msecs)03d lb %(message)s", datefmt="%H:%M:%S"
    )
    try:
        settings = read_settings(os.environ, os.urandom(8).hex())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    selector = serving_selector(time.monotonic)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(run(settings, selector))
    return 0
