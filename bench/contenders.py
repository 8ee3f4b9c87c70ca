"""Which contenders there are on this machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import nginx, node
from bench.contender import AIOHTTP, CADDY, COMPILED, HAPROXY, NGINX, NGINX_GZIP, OURS, TITLES, TURNS, Contender
from bench.interpreter import Interpreter
from bench.peers import aiohttp_peer, caddy, haproxy
from bench.processes import UnavailableError


@dataclass(frozen=True, slots=True)
class Found:
    """`contenders` in the order of their turns; `missing` says of each other one why it is not there."""

    contenders: tuple[Contender, ...]
    missing: tuple[str, ...]


def find(names: Sequence[str], python: Interpreter, nginx_program: str) -> Found:
    makers: dict[str, Callable[[], Contender]] = {
        OURS: lambda: node.contender(python, compiled=False),
        COMPILED: lambda: node.contender(python, compiled=True),
        NGINX: lambda: nginx.contender(nginx_program),
        NGINX_GZIP: lambda: nginx.contender(nginx_program, gzip=True),
        HAPROXY: haproxy.contender,
        CADDY: caddy.contender,
        AIOHTTP: aiohttp_peer.contender,
    }
    contenders, missing = [], []
    for name in TURNS:
        if name in names:
            try:
                contenders.append(makers[name]())
            except UnavailableError as error:
                missing.append(f"{TITLES[name]}: {error}")
    return Found(tuple(contenders), tuple(missing))
