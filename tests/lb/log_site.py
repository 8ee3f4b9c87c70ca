"""Logs over a spool in a directory, with clocks that a test turns."""

import gzip
from pathlib import Path
from typing import Any

from lab.core.elbv2.config import Attributes, LoadBalancerConfig, LogTarget
from services.lb.logs.logs import Logs
from services.lb.logs.spool import SPOOL_BYTES, Spool
from tests.lb.log_lines import PLAIN

ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
START = 1_530_570_000.0  # 2018-07-02T22:20:00Z, when an interval begins


def config(speed: float = 1.0, **changes: Any) -> LoadBalancerConfig:
    attributes = changes or {"access_logs": LogTarget("logs", "")}
    name = "app/web/50dc6c495c0c9188"
    return LoadBalancerConfig(1, name, ARN, "web", speed, (), (), Attributes(**attributes))


class Site:
    """Logs over a spool, and clocks that a test turns."""

    def __init__(self, directory: Path, limit: int = SPOOL_BYTES) -> None:
        self.monotonic, self.wall = 1000.0, START
        self.spool = Spool(directory, limit)
        self._counter = 0
        self.logs = Logs(
            self.spool,
            "10.0.0.5",
            clock=lambda: self.monotonic,
            wall_clock=lambda: self.wall,
            random_bytes=self._random,
        )

    def _random(self, size: int) -> bytes:
        self._counter += 1
        return self._counter.to_bytes(size, "big")

    def advance(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    def request(self, count: int = 1, **fields: Any) -> None:
        for _ in range(count):
            if self.logs.access is not None:
                self.logs.add(
                    self.logs.access.line(PLAIN._replace(created=self.monotonic, ended=self.monotonic, **fields))
                )

    def files(self) -> dict[str, list[bytes]]:
        """What is ready, by bucket and key: the lines."""
        self.spool.pack()
        return {
            f"{one.bucket}/{one.key}": gzip.decompress(one.path.read_bytes()).splitlines(keepends=True)
            for one in self.spool.ready()
        }
