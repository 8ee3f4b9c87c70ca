"""Our balancer as a process, and as much of a control plane as it needs: one document out; reports and log files in.

It runs with all it has: two listeners, twenty rules to try before the default one, health checks, the access log on.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench import machine
from bench.certificate import HOST
from bench.contender import COMPILED, GROUP, OURS, Contender, Site
from bench.interpreter import Interpreter
from bench.processes import BenchError, UnavailableError, running
from lab.core.elbv2 import config as lb_config
from lab.core.elbv2 import report as lb_report
from lab.core.elbv2.config import (
    Attributes,
    Certificate,
    HealthCheck,
    Listener,
    LoadBalancerConfig,
    LogTarget,
    Target,
    TargetGroup,
    Tls,
)
from lab.core.elbv2.health import State
from lab.core.elbv2.rules import Forward, HostHeader, PathPattern, Rule, default_rule

_SOURCE = Path(__file__).resolve().parents[1]
_COMPILED = _SOURCE / "build/compiled"
_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
_RULES = 20
_SPEED = 300.0
"""Lab seconds in a second. A log file of five minutes ends each second, so that each turn pays for the compression of its own
lines; with larger files a few turns would pay for all, and the median would leave those out."""
_HEALTH_CHECK_SECONDS = 300
"""Lab seconds: one check a second of each target."""
_SETTLE_SECONDS = 2.5
"""The last file ends within a second, and within another one it is found, to be compressed and delivered."""

_REMARK = "compresses its log with {packer}, a file a second, and is charged for {seconds:g} s after each load"


def contender(python: Interpreter, *, compiled: bool) -> Contender:
    """Raises UnavailableError when there is no compiled tree that `python` can load."""
    tree = _COMPILED if compiled else _SOURCE
    if compiled and not any(tree.rglob(f"services/**/*{python.suffix}")):
        raise UnavailableError(f"nothing is compiled for {python.program} in {tree} (make compile)")
    if compiled and stale(tree):
        raise UnavailableError(f"{tree} was compiled from another state of the sources (make compile)")

    @contextmanager
    def start(site: Site) -> Iterator[int]:
        with _control(document(site)) as control:
            environment = {
                "PYTHONPATH": os.pathsep.join((str(tree), *python.path)),
                "LB_NODE_ID": "bench",
                "LB_ZONE": "a",
                "LB_CONTROL_URL": f"http://127.0.0.1:{control.server_port}",
                "LB_NODE_TOKEN": "bench",
                "LB_BIND": "127.0.0.1",
                "LB_PORTS": f"80={site.port},443={site.tls_port}",
                "LB_DATA": str(site.directory / "data"),
                "LB_DRAIN_SECONDS": "0",
                "LB_WORKERS": "1",
            }
            with running(
                "our node",
                [python.program, "-m", "services.lb"],
                core=site.core,
                log=site.directory / "log",
                ready=lambda: control.all_healthy,
                cwd=tree,
                environment=environment,
            ) as pid:
                if _runs_compiled(pid, python.suffix) is not compiled:
                    raise BenchError(f"our node in {tree} runs {'interpreted' if compiled else 'compiled'} code")
                yield pid

    remark = _REMARK.format(packer="ISA-L" if python.isal else "zlib", seconds=_SETTLE_SECONDS)
    return Contender(COMPILED if compiled else OURS, str(python), start, remark, _SETTLE_SECONDS)


def _runs_compiled(root: int, suffix: str) -> bool:
    """Whether a process of the tree has mypyc's module of the data plane in memory. What the path leads to is not what it
    should be when a module was compiled in place, or the tree's cannot be loaded."""
    return any(f"/lb__mypyc{suffix}" in machine.maps(pid) for pid in machine.tree(root))


def stale(tree: Path) -> bool:
    """Whether the sources in `tree` are not those of today."""
    return any(
        not (_SOURCE / file.relative_to(tree)).is_file()
        or file.read_bytes() != (_SOURCE / file.relative_to(tree)).read_bytes()
        for package in ("lab", "services")
        for file in (tree / package).rglob("*.py")
    )


def document(site: Site) -> LoadBalancerConfig:
    """Both listeners forward to both ports of the origin; timeouts are AWS's defaults."""
    targets = tuple(Target(f"i-{port}", port, "a", "127.0.0.1", port) for port in site.origins)
    health_check = HealthCheck(path="/small", interval=_HEALTH_CHECK_SECONDS)
    pem = site.certificate.read_text()
    certificate = Certificate("arn:aws:acm:eu-west-1:000000000000:certificate/bench", *_parts(pem))
    return LoadBalancerConfig(
        generation=1,
        name="app/bench/1",
        arn="arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/app/bench/1",
        dns_name="bench.example",
        speed=_SPEED,
        listeners=(
            Listener("arn:listener/http", "HTTP", 80, _rules()),
            Listener("arn:listener/https", "HTTPS", 443, _rules(), Tls(_POLICY, (certificate,))),
        ),
        target_groups=(TargetGroup(GROUP, "bench", "HTTP", health_check, targets),),
        attributes=Attributes(access_logs=LogTarget("bench")),
    )


def _rules() -> tuple[Rule, ...]:
    """None matches what is asked: half of them have the path against them, half the host."""
    forward = Forward(((GROUP, 1),))
    hosts = (HOST, "*.example.net")
    tried = [
        Rule(
            f"arn:rule/{number}",
            number,
            (HostHeader((hosts[number % 2],)), PathPattern((f"/tenant-{number}/*", f"/v{number}/*.json"))),
            forward,
        )
        for number in range(1, _RULES + 1)
    ]
    return (*tried, default_rule(forward, "arn:rule/default"))


def _parts(pem: str) -> tuple[str, str]:
    """(the certificate, its key)"""
    certificate, end, key = pem.partition("-----END CERTIFICATE-----\n")
    return certificate + end, key


class _Control(ThreadingHTTPServer):
    """`all_healthy` is what the node reported last."""

    daemon_threads = True

    def __init__(self, document: LoadBalancerConfig) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.generation = document.generation
        self.body = json.dumps(lb_config.to_json(document)).encode()
        self.all_healthy = False
        self.stopping = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: _Control

    def do_GET(self) -> None:
        """The document; to a node that has it, nothing, after as long as it cares to wait."""
        query = parse_qs(urlsplit(self.path).query)
        if query.get("have") == [str(self.server.generation)]:
            self.server.stopping.wait(float(query["wait"][0]))
            self._answer(304)
        else:
            self._answer(200, self.server.body)

    def do_POST(self) -> None:
        """A report."""
        report = lb_report.from_json(json.loads(self._body()))
        self.server.all_healthy = report.applied == self.server.generation and all(
            target.state == State.HEALTHY for target in report.targets
        )
        self._answer(204)

    def do_PUT(self) -> None:
        """A finished log file, which nobody wants to read."""
        self._body()
        self._answer(204)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _answer(self, status: int, body: bytes = b"") -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            pass  # the node has been stopped

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the measurement's output is a table."""


@contextmanager
def _control(document: LoadBalancerConfig) -> Iterator[_Control]:
    with _Control(document) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()
