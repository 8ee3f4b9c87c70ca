"""Many documents, as fast as a node takes them, through its processes and under load. (A thousand within one process:
test_config.)"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.core.elbv2 import config as lb_config
from lab.core.elbv2.config import Listener, LoadBalancerConfig
from lab.core.elbv2.rules import FixedResponse, default_rule
from tests.eventually import eventually
from tests.lb.nodes import document, free_port, origin, running
from tests.lb.world import read_message

MIB = 1 << 20


class Publisher:
    """A control plane that has news for whoever asks, up to a generation."""

    def __init__(self, base: LoadBalancerConfig) -> None:
        self.base = base
        self.last = base.generation
        self.report: dict[str, Any] = {}
        self._moved = asyncio.Event()

    def publish(self, last: int) -> None:
        self.last = last
        self._moved.set()

    def document(self, generation: int) -> LoadBalancerConfig:
        """Every other one has a second listener; the targets change places."""
        second = Listener("arn:second", "HTTP", 81, (default_rule(FixedResponse(200)),))
        [group] = self.base.target_groups
        turned = (*group.targets[generation % 2 :], *group.targets[: generation % 2])
        return replace(
            self.base,
            generation=generation,
            listeners=(*self.base.listeners, second)[: 1 + generation % 2],
            target_groups=(replace(group, targets=turned),),
        )

    async def reports(self, requests: int) -> None:
        """Waits until the node has reported so many."""
        await eventually(lambda: self.report["counters"].get("RequestCount") == requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read_message(reader)
            if request.first.startswith(b"POST"):
                self.report = json.loads(request.body)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                return
            have = int(request.first.partition(b"have=")[2].partition(b"&")[0])
            while have >= self.last:
                self._moved.clear()
                await self._moved.wait()
            body = json.dumps(lb_config.to_json(self.document(have + 1))).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


@asynccontextmanager
async def published(publisher: Publisher) -> AsyncIterator[str]:
    """The publisher's URL."""
    server = await asyncio.start_server(publisher.serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_what_is_reported_only_grows_whoever_dies(tmp_path: Path) -> None:
    async with origin() as target:
        publisher = Publisher(document(target.port))
        async with (
            published(publisher) as url,
            running(tmp_path, publisher.base, workers=2, environment={"LB_CONTROL_URL": url}) as node,
        ):
            for round_ in range(1, 3):
                for _ in range(10):
                    assert (await node.ask()).status == 200
                await publisher.reports(10 * round_)
                [group] = publisher.report["groups"]
                assert sum(count for _, count in group["response_times"]) == 10 * round_
                assert publisher.report["targets"][0]["requests"] == 10 * round_
                assert publisher.report["applied"] == publisher.base.generation
                os.kill(node.workers[round_ % 2], signal.SIGKILL)
                await eventually(lambda: node.workers, lambda pids: len(pids) == 2)


async def test_many_documents(tmp_path: Path) -> None:
    async with origin() as one, origin() as other:
        publisher = Publisher(document(one.port, other.port))
        ports = [free_port(), free_port()]
        async with (
            published(publisher) as url,
            running(
                tmp_path,
                publisher.base,
                workers=2,
                port=ports[0],
                environment={"LB_CONTROL_URL": url, "LB_PORTS": f"80={ports[0]},81={ports[1]}"},
            ) as node,
        ):
            stop = asyncio.Event()
            statuses: list[int] = []

            async def load() -> None:
                client = await node.client()
                while not stop.is_set():
                    statuses.append((await client.ask()).status)

            async def reach(generation: int) -> dict[int, tuple[int, int]]:
                publisher.publish(generation)
                await eventually(lambda: publisher.report.get("applied") == generation)
                return {pid: (resident(pid), descriptors(pid)) for pid in (node.process.pid, *node.workers)}

            loads = [asyncio.create_task(load()) for _ in range(4)]
            before = await reach(30)
            after = await reach(150)
            stop.set()
            await asyncio.gather(*loads)
            assert set(statuses) == {200}
            assert before.keys() == after.keys()
            for pid, (memory, opened) in after.items():
                assert memory - before[pid][0] < 2 * MIB
                assert abs(opened - before[pid][1]) <= 4
