"""nginx and HAProxy as reverse proxies like ours: HTTP/1.1 with keep-alive to the origin, Host as it came, X-Forwarded-For
appended. Each row of the corpus gets a lane of its own, a port of the proxy that leads to a port of a recording origin, so
that all rows run at once and what came to an origin is known to be a row's."""

import asyncio
import contextlib
import grp
import os
import pwd
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import accepts, free_ports, program, running
from tests.lb.hostile.case import Case
from tests.lb.hostile.readers import READERS
from tests.lb.hostile.recorder import Recorder

PACKAGES = {"nginx": "nginx-light", "haproxy": "haproxy"}
"""The programs, and the Debian package each is in."""
SECONDS = 3
"""How long a proxy waits for more: nothing is asserted about it, but each row ends by it at the latest."""

_NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {directory}/pid;
error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {directory}/client;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  client_header_timeout {seconds};
  client_body_timeout {seconds};
  keepalive_timeout {seconds};
  lingering_timeout 1;
  large_client_header_buffers 8 16k;
  proxy_read_timeout {seconds};
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
{lanes}
}}
"""
_NGINX_LANE = """\
  upstream u{front} {{ server 127.0.0.1:{back}; keepalive 4; }}
  server {{ listen 127.0.0.1:{front}; location / {{ proxy_pass http://u{front}; }} }}"""

_HAPROXY = """\
global
  maxconn 4000
defaults
  mode http
  option forwardfor
  option http-keep-alive
  http-reuse always
  timeout connect 10s
  timeout client {seconds}s
  timeout server {seconds}s
  timeout http-request {seconds}s
  timeout http-keep-alive {seconds}s
{lanes}
"""
_HAPROXY_LANE = """\
listen u{front}
  bind 127.0.0.1:{front}
  server origin 127.0.0.1:{back}"""


_STATUS = re.compile(rb"HTTP/1\.[01] ([2-5][0-9][0-9]) ")
"""Wherever it stands: an answer to a request of HTTP/0.9 has none, and no page of theirs holds one."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a proxy made of a row: the final statuses its client got, and the whole requests a naive origin saw."""

    statuses: tuple[int, ...]
    requests: int

    @property
    def refused(self) -> bool:
        return self.requests == 0

    def __str__(self) -> str:
        return f"{' '.join(map(str, self.statuses)) or '–'} / {self.requests}"


@contextmanager
def nginx(program: str, directory: Path, fronts: Sequence[int], backs: Sequence[int]) -> Iterator[None]:
    # Started by root its worker would be somebody else, who cannot read a private temporary directory.
    user = f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};" if os.geteuid() == 0 else ""
    conf = directory / "nginx.conf"
    conf.write_text(
        _NGINX.format(user=user, directory=directory, seconds=SECONDS, lanes=_lanes(_NGINX_LANE, fronts, backs))
    )
    command = [program, "-p", str(directory), "-e", "stderr", "-c", str(conf)]
    with running("nginx", command, core=None, log=directory / "nginx.log", ready=lambda: accepts(fronts[-1])):
        yield


@contextmanager
def haproxy(program: str, directory: Path, fronts: Sequence[int], backs: Sequence[int]) -> Iterator[None]:
    conf = directory / "haproxy.cfg"
    conf.write_text(_HAPROXY.format(seconds=SECONDS, lanes=_lanes(_HAPROXY_LANE, fronts, backs)))
    command = [program, "-q", "-db", "-f", str(conf)]
    with running("haproxy", command, core=None, log=directory / "haproxy.log", ready=lambda: accepts(fronts[-1])):
        yield


PROXIES = {"nginx": nginx, "haproxy": haproxy}


def version(name: str, program: str) -> str:
    """As in `nginx 1.22.1` and `HAProxy 2.6.12`."""
    result = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
    words = (result.stdout + result.stderr).replace("/", " ").split()
    return f"{name} {next(word for word in words if word[0].isdigit())}"


def _lanes(lane: str, fronts: Sequence[int], backs: Sequence[int]) -> str:
    return "\n".join(lane.format(front=front, back=back) for front, back in zip(fronts, backs, strict=True))


async def run_all(rows: Sequence[Case], fronts: Sequence[int], backs: Sequence[int]) -> dict[str, Done]:
    """All rows at once through a proxy that runs already."""
    async with AsyncExitStack() as stack:
        recorders = []
        for back in backs:
            recorder = Recorder()
            recorders.append(recorder)
            server = await asyncio.start_server(recorder.accept, "127.0.0.1", back)
            stack.push_async_callback(_stop, server)
        statuses = await asyncio.gather(*(_ask(row, front) for row, front in zip(rows, fronts, strict=True)))
    return {
        row.name: Done(answers, sum(len(READERS["naive"](bytes(raw)).requests) for raw in recorder.connections))
        for row, answers, recorder in zip(rows, statuses, recorders, strict=True)
    }


async def _stop(server: asyncio.Server) -> None:
    server.close()


async def _ask(row: Case, port: int) -> tuple[int, ...]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    with contextlib.suppress(ConnectionError):
        writer.write(row.data)
        if row.unfinished:
            writer.write_eof()
        while data := await reader.read(65536):
            got += data
    writer.transport.abort()
    return tuple(int(status) for status in _STATUS.findall(got))


def run_peers(rows: Sequence[Case], directory: Path) -> dict[str, dict[str, Done]]:
    """What each proxy made of each row. Raises UnavailableError when one is not installed."""
    found = {name: program(name, f"Debian: apt-get install {package}") for name, package in PACKAGES.items()}
    done = {}
    for name, started in PROXIES.items():
        ports = free_ports(2 * len(rows))
        fronts, backs = ports[: len(rows)], ports[len(rows) :]
        with started(found[name], directory, fronts, backs):
            done[version(name, found[name])] = asyncio.run(run_all(rows, fronts, backs))
    return done
