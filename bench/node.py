"""Our balancer as a process, and as much of a control plane as it needs: one document out, reports in."""

import json
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench.nginx import GROUP
from bench.processes import running
from lab.core.elbv2 import config as lb_config
from lab.core.elbv2 import report as lb_report
from lab.core.elbv2.config import Attributes, HealthCheck, Listener, LoadBalancerConfig, LogTarget, Target, TargetGroup
from lab.core.elbv2.health import State
from lab.core.elbv2.rules import Forward, default_rule

SOURCE = Path(__file__).resolve().parents[1]
COMPILED = SOURCE / "build/compiled"


def compiled() -> bool:
    """Whether `make compile` made a tree that this Python can use."""
    return any((COMPILED / "services").rglob("*" + sysconfig.get_config_var("EXT_SUFFIX")))


@contextmanager
def node(tree: Path, directory: Path, port: int, origin_ports: list[int], core: int | None) -> Iterator[int]:
    """The pid of a node that listens on `port` and has found its targets healthy. `tree` has its code; `directory` is
    made."""
    directory.mkdir(parents=True)
    with _control(_document(origin_ports)) as control:
        environment = {
            "LB_NODE_ID": "bench",
            "LB_ZONE": "a",
            "LB_CONTROL_URL": f"http://127.0.0.1:{control.server_port}",
            "LB_NODE_TOKEN": "bench",
            "LB_BIND": "127.0.0.1",
            "LB_PORTS": f"80={port}",
            "LB_DATA": str(directory / "data"),
            "LB_DRAIN_SECONDS": "0",
            "LB_WORKERS": "1",
        }
        with running(
            "our node",
            [sys.executable, "-m", "services.lb"],
            core=core,
            log=directory / "log",
            ready=lambda: control.all_healthy,
            cwd=tree,
            environment={**environment, "PYTHONPATH": str(tree)},
        ) as pid:
            yield pid


def _document(origin_ports: list[int]) -> LoadBalancerConfig:
    """One listener that forwards to both ports of the origin; timeouts and health checks are AWS's defaults."""
    targets = tuple(Target(f"i-{port}", port, "a", "127.0.0.1", port) for port in origin_ports)
    return LoadBalancerConfig(
        generation=1,
        name="app/bench/1",
        arn="arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/app/bench/1",
        dns_name="bench.example",
        speed=1.0,
        listeners=(Listener("arn:listener", "HTTP", 80, (default_rule(Forward(((GROUP, 1),))),)),),
        target_groups=(TargetGroup(GROUP, "bench", "HTTP", HealthCheck(path="/small"), targets),),
        attributes=Attributes(access_logs=LogTarget("bench")),
    )


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
        body = self.rfile.read(int(self.headers["Content-Length"]))
        targets = lb_report.from_json(json.loads(body)).targets
        self.server.all_healthy = bool(targets) and all(target.state == State.HEALTHY for target in targets)
        self._answer(204)

    def do_PUT(self) -> None:
        """A finished log file, which nobody wants to read."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(204)

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
