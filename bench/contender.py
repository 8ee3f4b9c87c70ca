"""What is measured: a balancer that can be started, and where it is to stand.

All do the same work: round robin over the two ports of the origin, kept-alive connections to it, Host kept, X-Forwarded-For,
-Proto and -Port and X-Amzn-Trace-Id set, an access log with the fields of an ALB's, plain HTTP and HTTPS, one process or
worker on one core.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

OURS, COMPILED, NGINX, NGINX_GZIP = "ours", "compiled", "nginx", "nginx-gzip"
HAPROXY, CADDY, AIOHTTP = "haproxy", "caddy", "aiohttp"
TITLES = {
    OURS: "ours",
    COMPILED: "ours, compiled",
    NGINX: "nginx",
    NGINX_GZIP: "nginx, gzip",
    HAPROXY: "HAProxy",
    CADDY: "Caddy",
    AIOHTTP: "aiohttp",
}
"""In the order of the table's columns."""
TURNS = (COMPILED, OURS, NGINX, NGINX_GZIP, HAPROXY, CADDY, AIOHTTP)
"""The order within a round: nginx, which all are compared with, is next to ours."""

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/bench/1"
"""A constant of every log line."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a balancer stands. `directory` is its own and exists; `certificate` is PEM, with its key; `connections` is how
    many clients there will be at most; `core` is the only one to use, if any."""

    directory: Path
    port: int
    tls_port: int
    origins: tuple[int, ...]
    certificate: Path
    connections: int
    core: int | None

    @property
    def access_log(self) -> Path:
        """Where a peer logs to. It is emptied from time to time: to be opened for appending."""
        return self.directory / "access.log"


@dataclass(frozen=True, slots=True)
class Contender:
    """`start` is a context that gives the pid of the root of a tree of processes, once it serves. `remark` says in what its
    work differs from that of the others; `settles` is how many seconds it may put work off."""

    name: str
    version: str
    start: Callable[[Site], AbstractContextManager[int]]
    remark: str = ""
    settles: float = 0.0

    @property
    def title(self) -> str:
        return TITLES[self.name]


@dataclass(frozen=True, slots=True)
class Running:
    contender: Contender
    site: Site
    pid: int
