"""What the network's reality costs: `python -m bench.network`, on Docker, with the lab's images (`make up` builds them).

* A launch: a plain container, a machine whose interface is made first, and one whose interface was waiting. In turn, until the
  machine answers; each against the plain one of its round.
* The rules on a packet's way: round trips over one connection, and new connections, between two machines without rules and
  between two with a network ACL and sixty rules of a security group each way. In turn; ratios of the rounds.
"""

import argparse
import asyncio
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from docker.api.client import APIClient

from bench.options import keep
from lab.adapters.docker import DockerCompute, DockerSettings, sweep
from lab.adapters.docker.client import connect
from lab.composition import IMAGES
from lab.core.compute import MachineSpec, Network, Port, Role
from lab.core.ec2.addresses import private_host_name
from lab.core.vpc.documents import Interface
from lab.core.vpc.firewall import Acl, AclRule, Allow, Firewall, Match
from lab.core.vpc.spares import Spare

PORT, TALK_PORT = 8000, 7000
RULES = 60
SERVE = """
import socket, threading
def serve(c):
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := c.recv(100): c.sendall(data)
l = socket.create_server(("0.0.0.0", 7000), backlog=512)
while True: threading.Thread(target=serve, args=(l.accept()[0],), daemon=True).start()
"""
TALK = """
import socket, time
s = socket.create_connection(("{address}", 7000)); s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
began = time.perf_counter()
for _ in range({trips}): s.sendall(b"x"); s.recv(1)
trips = time.perf_counter() - began
began = time.perf_counter()
for _ in range({connects}): c = socket.create_connection(("{address}", 7000)); c.sendall(b"x"); c.recv(1); c.close()
print(trips, time.perf_counter() - began)
"""


@dataclass
class Bench:
    client: APIClient
    compute: DockerCompute
    network: Network
    number: int = 16

    def spec(self) -> MachineSpec:
        self.number += 1
        address = str(IPv4Network(self.network.cidr_block)[self.number])
        return MachineSpec(
            id=f"i-{secrets.token_hex(8)}", role=Role.INSTANCE, image="app", vpc_id=self.network.vpc_id, zone="us-east-1a",
            address=address, vcpus=1.0, memory_mib=256,
            environment={"LAB_INSTANCE_ID": "bench", "LAB_AVAILABILITY_ZONE": "us-east-1a", "LAB_USER_DATA": ""},
            ports=(Port(PORT),),
        )  # fmt: skip

    def interface(self, spec: MachineSpec, rules: int) -> Interface:
        everything = Acl("acl", *(tuple(_acl(rules)) for _ in range(2)))
        allow = tuple(_allow(rules))
        firewall = Firewall(f"{spec.address}/32", everything, allow, allow)
        return Interface("eni", spec.vpc_id, self.network.cidr_block, self.network.gateway, spec.id, spec.address,
                         private_host_name(spec.address), firewall)  # fmt: skip

    async def run(self, machine_id: str, code: str) -> str:
        def execute() -> str:
            command = self.client.exec_create(machine_id, ["python", "-c", code])
            output: bytes = self.client.exec_start(command["Id"])
            return output.decode().strip()

        return await asyncio.to_thread(execute)


def _acl(rules: int) -> list[AclRule]:
    ports = range(20_001, 20_020)
    passed_over = [AclRule(port - 20_000, False, Match("tcp", port, port), "0.0.0.0/0") for port in ports]
    return [*(passed_over if rules > 1 else []), AclRule(100, True, Match(), "0.0.0.0/0")]


def _allow(rules: int) -> list[Allow]:
    """The last one lets everything pass, so that all are tried."""
    tried = [Allow(f"sgr-{n}", "sg", Match("tcp", 10_000 + n, 10_000 + n), "10.0.0.0/8") for n in range(rules - 1)]
    return [*tried, Allow("sgr-last", "sg", Match(), "0.0.0.0/0")]


async def answers(address: str) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(address, PORT)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        writer.close()
        return


async def timed(what: Callable[[], Awaitable[object]], address: str) -> float:
    began = time.perf_counter()
    await what()
    await answers(address)
    return time.perf_counter() - began


async def launches(bench: Bench) -> dict[str, float]:
    """Seconds of a launch, each way."""
    found = {}
    plain = bench.spec()
    found["plain container"] = await timed(lambda: asyncio.to_thread(_plain, bench, plain), plain.address)
    cold = bench.spec()
    found["interface made"] = await timed(lambda: bench.compute.launch(cold, bench.interface(cold, 1)), cold.address)
    warm = bench.spec()
    await bench.compute.keep_spares(frozenset({Spare(warm.vpc_id, warm.zone, warm.address)}))
    found["interface waiting"] = await timed(lambda: bench.compute.launch(warm, bench.interface(warm, 1)), warm.address)
    bench.client.remove_container(plain.id, force=True)
    for spec in (cold, warm):
        await bench.compute.terminate(spec.id, 0)
    return found


def _plain(bench: Bench, spec: MachineSpec) -> None:
    settings = bench.compute.settings
    name = settings.network_name(spec.vpc_id)
    bench.client.create_container(
        settings.images[spec.image], name=spec.id, labels={"lab.owner": settings.owner}, environment=dict(spec.environment),
        host_config=bench.client.create_host_config(network_mode=name, init=True, cap_drop=["ALL"], read_only=True,
                                                    tmpfs={"/tmp": "", "/run": ""}),
        networking_config={"EndpointsConfig": {name: {"IPAMConfig": {"IPv4Address": spec.address}}}},
    )  # fmt: skip
    bench.client.start(spec.id)


async def packets(bench: Bench, rounds: int, trips: int, connects: int) -> list[dict[str, float]]:
    """Seconds with rules divided by seconds without, of each round."""
    pairs = {}
    for name, rules in (("without", 0), ("with", RULES)):
        specs = [bench.spec() for _ in range(2)]
        for spec in specs:
            await bench.compute.launch(spec, bench.interface(spec, rules) if rules else None)
            await answers(spec.address) if not rules else await asyncio.sleep(1)
        bench.client.exec_start(bench.client.exec_create(specs[1].id, ["python", "-c", SERVE])["Id"], detach=True)
        pairs[name] = specs
    await asyncio.sleep(1)
    found = []
    for number in range(rounds):
        seconds = {}
        for name in ("without", "with") if number % 2 else ("with", "without"):
            source, target = pairs[name]
            code = TALK.format(address=target.address, trips=trips, connects=connects)
            seconds[name] = [float(word) for word in (await bench.run(source.id, code)).split()]
        ratios = [a / b for a, b in zip(seconds["with"], seconds["without"], strict=True)]
        found.append({"round trip": ratios[0], "new connection": ratios[1]})
    return found


async def measure(rounds: int, trips: int, connects: int) -> dict[str, Any]:
    owner = f"labbench-{secrets.token_hex(4)}"
    client = connect(None)
    compute = DockerCompute(DockerSettings(owner, images=IMAGES))
    block = IPv4Network(f"10.{100 + secrets.randbelow(100)}.0.0/16")
    network = Network("vpc-bench", str(block), str(block[-2]))
    try:
        await compute.ensure_network(network)
        bench = Bench(client, compute, network)
        await launches(bench)  # what is made once is made now
        return {
            "launches": [await launches(bench) for _ in range(rounds)],
            "packets": await packets(bench, rounds, trips, connects),
        }
    finally:
        await compute.close()
        client.close()
        sweep(owner, None)


def table(found: dict[str, Any]) -> str:
    """Medians, and the range of the rounds."""
    lines = ["| | median | rounds |", "|---|---|---|"]
    for name in ("interface made", "interface waiting"):
        ratios = [one[name] / one["plain container"] for one in found["launches"]]
        lines.append(f"| launch, {name}, against a plain container | {_range(ratios)} |")
    seconds = statistics.median(one["plain container"] for one in found["launches"])
    lines.append(f"| a plain container answers after, seconds | {seconds:.2f} | |")
    lines.extend(
        f"| {name}, {RULES} rules and 20 ACL entries, against none | {_range([one[name] for one in found['packets']])} |"
        for name in ("round trip", "new connection")
    )
    return "\n".join(lines) + "\n"


def _range(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--trips", type=int, default=20_000)
    parser.add_argument("--connects", type=int, default=2_000)
    parser.add_argument("--keep", action="store_true", help="write bench/results/network-DATE")
    options = parser.parse_args()
    found = asyncio.run(measure(options.rounds, options.trips, options.connects))
    text = table(found)
    sys.stdout.write(text)
    if options.keep:
        keep("network", "The network's cost", found, text)


if __name__ == "__main__":
    main()
