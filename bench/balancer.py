"""Measures the balancer against nginx: `python -m bench.balancer`.

An origin, our node, nginx as the peer balancer and wrk run on loopback, on ports picked for the occasion. Both balancers
do the same: round robin over two ports of the origin, kept-alive connections to it, Host kept, X-Forwarded-For, -Proto and
-Port and X-Amzn-Trace-Id set, no access log. They are one process (nginx: one worker) on one core of their own.

The measure is CPU time of the balancer per request, kernel time included. Absolute figures drift with whatever else runs;
so the two are measured in turns (A B, B A, …), and what counts is the median of the ratios within the pairs.
"""

import argparse
import contextlib
import http.client
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from bench import load, machine, nginx, node
from bench.load import Load, Wrk
from bench.processes import BenchError, Missing, free_ports, programs
from bench.scenarios import SCENARIOS, Scenario
from bench.summary import NGINX, OURS, Run, rows, table

_PACKAGES = {"nginx": "nginx-light", "wrk": "wrk"}
_WARM_UP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int
    seconds: int
    connections: int
    json: Path | None


@dataclass(frozen=True, slots=True)
class Balancer:
    name: str
    port: int
    pid: int


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 measured, 1 failed or measured with errors, 2 cannot be measured here, 130 interrupted."""
    options = _options(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _measure(options)
    except Missing as error:
        print(error, file=sys.stderr)
        return 2
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; everything is stopped", file=sys.stderr)
        return 130


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m bench.balancer", description="Measures the balancer against nginx."
    )
    parser.add_argument("--rounds", type=_positive, default=5, help="pairs of runs per scenario (default: 5)")
    parser.add_argument("--seconds", type=_positive, default=3, help="length of a run (default: 3)")
    parser.add_argument("--connections", type=_positive, default=32, help="concurrent clients (default: 32)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the raw numbers here")
    options = Options(**vars(parser.parse_args(arguments)))
    if options.json is not None and not options.json.parent.is_dir():
        parser.error(f"{options.json.parent} is not a directory")
    return options


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _measure(options: Options) -> int:
    if not sys.platform.startswith("linux"):
        raise Missing("CPU time is read from Linux's /proc: run this on Linux")
    found = programs(_PACKAGES)
    _allow_open_files()
    cores = machine.choose_cores()
    clock = machine.CpuClock()
    facts: dict[str, Any] = {
        "machine": machine.describe().to_json(),
        "nginx": _nginx_version(found["nginx"]),
        "wrk": load.version(found["wrk"]),
        "cores": str(cores),
        "cpu_time_from": clock.source,
        "access_log": "off in both",
        "rounds": options.rounds,
        "seconds": options.seconds,
        "connections": options.connections,
        "load_average_before": machine.load_average(),
    }
    runs: list[Run] = []
    stolen, total = machine.host_times()
    with _setup(options, found, cores) as (balancers, wrk):
        for runs_of_round in _rounds(options, balancers, wrk, clock):
            runs += runs_of_round
    stolen_after, total_after = machine.host_times()
    facts["load_average_after"] = machine.load_average()
    facts["steal_percent"] = round(100 * (stolen_after - stolen) / max(1, total_after - total), 1)
    return _show(options, facts, runs)


@contextlib.contextmanager
def _setup(options: Options, found: dict[str, str], cores: machine.Cores) -> Iterator[tuple[list[Balancer], Wrk]]:
    """Both balancers, started and tried; stopped in the end, with the temporary files gone."""
    ours, theirs, *origins = free_ports(4)
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-balancer-")))
        stack.enter_context(machine.pinned(cores.load))  # we, too: the control plane is a thread of ours
        stack.enter_context(nginx.origin(found["nginx"], directory / "origin", origins, cores.load))
        node_pid = stack.enter_context(node.node(directory / "node", ours, origins, cores.balancer))
        nginx_pid = stack.enter_context(
            nginx.peer(found["nginx"], directory / "nginx", theirs, origins, options.connections, cores.balancer)
        )
        stack.callback(_finish_undisturbed)
        balancers = [Balancer(OURS, ours, node_pid), Balancer(NGINX, theirs, nginx_pid)]
        for balancer in balancers:
            for scenario in SCENARIOS:
                _try(balancer, scenario)
        yield balancers, Wrk(found["wrk"], directory, options.connections, cores.load)


def _finish_undisturbed() -> None:
    """From here on a second Ctrl-C waits: stopping takes seconds at most, and stopping halfway would leave things behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _try(balancer: Balancer, scenario: Scenario) -> None:
    """Is the answer the one that will be measured?"""
    connection = http.client.HTTPConnection("127.0.0.1", balancer.port, timeout=10)
    try:
        connection.request("GET", scenario.path)
        answer = connection.getresponse()
        size = len(answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"{balancer.name} does not answer {scenario.path}: {error}") from error
    finally:
        connection.close()
    if (answer.status, size) != (200, scenario.body_bytes):
        raise BenchError(f"{balancer.name} answers {scenario.path} with status {answer.status} and {size} bytes")


def _rounds(options: Options, balancers: Sequence[Balancer], wrk: Wrk, clock: machine.CpuClock) -> Iterator[list[Run]]:
    """The runs of each round. Who goes first changes from round to round."""
    _progress("warming up")
    for scenario in SCENARIOS:
        for balancer in balancers:
            wrk.run(scenario, balancer.port, _WARM_UP_SECONDS)
    for number in range(1, options.rounds + 1):
        _progress(f"round {number} of {options.rounds}")
        order = balancers if number % 2 else balancers[::-1]
        runs = []
        for scenario in SCENARIOS:
            for place, balancer in enumerate(order):
                cpu_ns, elapsed, seen = _timed(
                    clock, balancer.pid, lambda one=balancer, what=scenario: wrk.run(what, one.port, options.seconds)
                )
                runs.append(Run(scenario.name, number, balancer.name, place == 0, cpu_ns, elapsed, seen))
        yield runs


def _timed(clock: machine.CpuClock, pid: int, action: Callable[[], Load]) -> tuple[int, float, Load]:
    """(nanoseconds of CPU time of the process tree, seconds that passed, what `action` returned)."""
    before, start = clock.read(pid), time.monotonic()
    seen = action()
    elapsed = time.monotonic() - start
    return machine.spent(before, clock.read(pid)), elapsed, seen


def _show(options: Options, facts: dict[str, Any], runs: Sequence[Run]) -> int:
    found = list(rows(runs))
    before, after = (
        "/".join(f"{value:.2f}" for value in facts[f"load_average_{when}"]) for when in ("before", "after")
    )
    print(f"machine: {machine.describe()}; {facts['nginx']}, {facts['wrk']}")
    print(
        f"load average (1/5/15 min): {before} before, {after} after; time stolen by the host: {facts['steal_percent']} %"
    )
    print(f"{facts['cores']}; CPU time from {facts['cpu_time_from']}, user and kernel")
    print(f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections; paired, order A B B A")
    print("access log: off in both")
    Console(width=200, highlight=False, color_system="auto").print(table(found))
    if options.json is not None:
        raw = {**facts, "runs": [run.to_json() for run in runs], "rows": [row.to_json() for row in found]}
        options.json.write_text(json.dumps(raw, indent=1) + "\n")
    return int(any(any(row.errors) for row in found))


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _allow_open_files() -> None:
    """As many as the system lets us; what we start inherits it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _nginx_version(program: str) -> str:
    """As in `nginx 1.28.0`."""
    result = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
    return result.stderr.strip().rpartition(": ")[2].replace("/", " ")


if __name__ == "__main__":
    sys.exit(main())
