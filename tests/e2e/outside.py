"""A running lab as a test sees it: its command, its ports, its processes and containers. Nothing of it is imported."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.eventually import until

CHECKOUT = Path(__file__).resolve().parents[2]
LAB = [sys.executable, "-c", "from lab.cli.main import main; main()"]


@dataclass
class Lab:
    """One lab of the tests' own: own ports, own owner, own state directory."""

    mode: str
    environment: dict[str, str]
    api: int
    ports: tuple[int, int]
    state: Path
    owner: str

    def run(self, *arguments: str, code: int | None = 0, timeout: float = 240.0) -> str:
        """The lab command; its exit code must be `code` (None: any)."""
        done = subprocess.run(
            [*LAB, *arguments],
            env={**os.environ, **self.environment},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"lab {' '.join(arguments)} gave {done.returncode}:\n{said}"
        assert "Traceback" not in said, said
        return said

    def status(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(get(self.api, "/lab/status").body)
        return body

    @property
    def group(self) -> dict[str, Any]:
        found: dict[str, Any] = self.status()["groups"][0]
        return found

    def instances(self, lifecycle: str = "InService") -> list[dict[str, Any]]:
        return [row for row in self.group["instances"] if row["lifecycle"] == lifecycle]

    def healthy(self) -> list[str]:
        return sorted(row["id"] for row in self.instances() if row["target"] == "healthy")

    def activities(self) -> list[dict[str, Any]]:
        """Newest first, as AWS gives them."""
        found: list[dict[str, Any]] = json.loads(self.run("activities", "--json", "--last", "100"))["Activities"]
        return found

    def settled(self, count: int = 2) -> list[str]:
        """Wait until just `count` instances are there, in service and healthy."""

        def calm() -> list[str]:
            healthy = self.healthy()
            return healthy if len(healthy) == count == len(self.group["instances"]) else []

        return until(calm, 120, lambda: self.group)

    def crash(self, machine: str) -> None:
        """SIGKILL from outside, behind the lab's back."""
        if self.mode == "docker":
            subprocess.run(["docker", "kill", machine], check=True, capture_output=True)
        else:
            leader = (self.state / "machines" / machine / "leader").read_text().split()
            os.killpg(int(leader[0]), signal.SIGKILL)

    def crash_control(self) -> None:
        """`kill -9` of the control plane."""
        if self.mode == "docker":
            pid = output("docker", "inspect", "--format", "{{.State.Pid}}", f"{self.owner}-control-1")
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for each in (*children, pid):
                with _gone_is_fine():
                    os.kill(int(each), signal.SIGKILL)
        else:
            os.kill(json.loads((self.state / "control.json").read_text())["pid"], signal.SIGKILL)

    def left_over(self) -> list[str]:
        """What is still there of the lab: containers, networks, volumes, processes, files."""
        found = []
        if self.mode == "docker":
            for label in (f"lab.owner={self.owner}", f"com.docker.compose.project={self.owner}"):
                for kind in ("container", "network", "volume"):
                    every = ["--all"] if kind == "container" else []
                    found += output("docker", kind, "ls", "--quiet", *every, "--filter", f"label={label}").split()
        if self.state.exists():
            found += [str(path) for path in self.state.iterdir()]
        return found + [text for pid, text in processes() if str(self.state) in text]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]


def get(port: int, path: str, timeout: float = 10.0, host: str = "127.0.0.1", **headers: str) -> Answer:
    return ask("GET", port, path, timeout=timeout, headers=headers, host=host)


def ask(
    method: str,
    port: int,
    path: str,
    body: dict[str, Any] | None = None,
    timeout: float = 10.0,
    headers: dict[str, str] | None = None,
    host: str = "127.0.0.1",
) -> Answer:
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()})
    finally:
        connection.close()


@dataclass
class Load:
    """A run of `lab load`; `result` is its JSON once it has ended."""

    result: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        return int(self.result["failed"]) + int(self.result["shed"])

    @property
    def requests(self) -> int:
        return int(self.result["scheduled"])


@contextmanager
def load(lab: Lab, path: str, rate: float, seconds: float, *, failover: bool = False) -> Iterator[Load]:
    """Requests to both nodes in turn while the block runs; the block ends when they have all been sent. `failover` tries the
    other node where one cannot be reached, as browsers do."""
    run = Load()
    urls = [f"http://127.0.0.1:{port}{path}" for port in lab.ports]

    def send() -> None:
        more = ["--failover"] if failover else []
        text = lab.run("load", *urls, "--rate", str(rate), "--for", f"{seconds}s", "--json", *more, code=None)
        run.result.update(json.loads(text))

    def arriving() -> float:
        return sum(float(node["rate"]) for node in lab.status()["load_balancers"][0]["nodes"])

    thread = threading.Thread(target=send)
    until(lambda: arriving() == 0, 30, arriving)
    thread.start()
    try:
        # What the block does must happen under load, not before it.
        until(lambda: arriving() >= rate / 2, 30, arriving)
        yield run
    finally:
        thread.join()


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def inspect(container: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(output("docker", "inspect", container))[0]
    return body


def processes() -> Iterator[tuple[int, str]]:
    """Every process with its command line and environment, as far as they can be read."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + b" " + (entry / "environ").read_bytes()
            except OSError:
                continue
            yield int(entry.name), text.replace(b"\0", b" ").decode(errors="replace")


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    with suppress(ProcessLookupError):
        yield
