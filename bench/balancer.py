"""Measures the balancer against nginx: `python -m bench.balancer`.

An origin, our node, nginx as the peer balancer and wrk run on loopback, on ports picked for the occasion. Both balancers
do the same: round robin over two ports of the origin, kept-alive connections to it, Host kept, X-Forwarded-For, -Proto and
-Port and X-Amzn-Trace-Id set, an access log with the fields of an ALB. They are one process (nginx: one worker) on one core
of their own.

The measure is CPU time of the balancer per request, kernel time included. Absolute figures drift with whatever else runs;
so the two are measured in turns (A B, B A, …), and what counts is the median of the ratios within the pairs.
"""

import argparse
import contextlib
import http.client
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from bench import load, machine, nginx, node, output, summary
from bench.load import Wrk
from bench.output import Facts
from bench.processes import BenchError, UnavailableError, free_ports, programs
from bench.scenarios import SCENARIOS, Scenario
from bench.summary import COMPILED, NGINX, OURS, Run

_PACKAGES = {"nginx": "nginx-light", "wrk": "wrk"}
_CONTENDERS = (COMPILED, OURS, NGINX)  # nginx, which all are compared with, is next to ours
_WARM_UP_SECONDS = 1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int
    seconds: int
    connections: int
    json: Path | None
    scenarios: tuple[Scenario, ...]
    contenders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Balancer:
    name: str
    port: int
    pid: int


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 measured, 1 failed or measured with errors, 2 cannot be measured here, 130 interrupted."""
    options = _options(arguments)
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        return _measure(options)
    except UnavailableError as error:
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
    parser.add_argument(
        "--scenarios",
        type=lambda text: tuple(one for one in SCENARIOS if one.name in _names(text, [one.name for one in SCENARIOS])),
        default=SCENARIOS,
        help=f"some of {','.join(one.name for one in SCENARIOS)} (default: all)",
    )
    parser.add_argument(
        "--contenders",
        type=lambda text: tuple(one for one in _CONTENDERS if one in [*_names(text, _CONTENDERS), NGINX]),
        default=_CONTENDERS,
        help=f"some of {','.join(_CONTENDERS)} (default: all; nginx always is)",
    )
    options = Options(**vars(parser.parse_args(arguments)))
    if options.json is not None and not options.json.parent.is_dir():
        parser.error(f"{options.json.parent} is not a directory")
    return options


def _names(text: str, known: Sequence[str]) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _interrupt(number: int, frame: object) -> NoReturn:
    _finish_undisturbed()
    raise KeyboardInterrupt


def _finish_undisturbed() -> None:
    """From here on a (second) Ctrl-C has to wait: stopping takes seconds, and half of it would leave things behind."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _measure(options: Options) -> int:
    if not sys.platform.startswith("linux"):
        raise UnavailableError("CPU time is read from Linux's /proc: run this on Linux")
    found = programs(_PACKAGES)
    _allow_open_files()
    cores = machine.choose_cores()
    clock = machine.CpuClock()
    load_before, (stolen, total) = machine.load_average(), machine.host_times()
    with _setup(options, found, cores) as (balancers, wrk):
        runs = list(_runs(options, balancers, wrk, clock))
    stolen_after, total_after = machine.host_times()
    facts = Facts(
        machine=machine.describe(),
        nginx=nginx.version(found["nginx"]),
        wrk=load.version(found["wrk"]),
        cores=str(cores),
        cpu_time_from=clock.source,
        rounds=options.rounds,
        seconds=options.seconds,
        connections=options.connections,
        load_average_before=load_before,
        load_average_after=machine.load_average(),
        steal_percent=round(100 * (stolen_after - stolen) / max(1, total_after - total), 1),
    )
    rows = list(summary.rows(runs))
    output.show(facts, rows)
    if options.json is not None:
        output.keep(options.json, facts, runs, rows)
    return int(any(any(row.errors) for row in rows))


@contextlib.contextmanager
def _setup(options: Options, found: dict[str, str], cores: machine.Cores) -> Iterator[tuple[list[Balancer], Wrk]]:
    """Both balancers, started and tried; stopped in the end, with the temporary files gone."""
    *origins, nginx_port, ours_port, compiled_port = free_ports(5)
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-balancer-")))
        stack.enter_context(machine.pinned(cores.load))  # we, too: the control plane is a thread of ours
        stack.enter_context(nginx.origin(found["nginx"], directory / "origin", origins, cores.load))
        balancers = []
        for name, port, tree in ((COMPILED, compiled_port, node.COMPILED), (OURS, ours_port, node.SOURCE)):
            if name not in options.contenders:
                continue
            if tree == node.COMPILED and not node.compiled():
                _progress("ours compiled is left out: no build/compiled for this Python (make compile makes it)")
                continue
            pid = stack.enter_context(node.node(tree, directory / name, port, origins, cores.balancer))
            balancers.append(Balancer(name, port, pid))
        pid = stack.enter_context(
            nginx.peer(found["nginx"], directory / "nginx", nginx_port, origins, options.connections, cores.balancer)
        )
        balancers.append(Balancer(NGINX, nginx_port, pid))
        stack.callback(_finish_undisturbed)
        for balancer in balancers:
            for scenario in options.scenarios:
                _try(balancer, scenario)
        yield balancers, Wrk(found["wrk"], directory, options.connections, cores.load)


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


def _runs(options: Options, balancers: Sequence[Balancer], wrk: Wrk, clock: machine.CpuClock) -> Iterator[Run]:
    """Who goes first changes from round to round."""
    _progress("warming up")
    for scenario in options.scenarios:
        for balancer in balancers:
            wrk.run(scenario, balancer.port, _WARM_UP_SECONDS)
    for number in range(1, options.rounds + 1):
        _progress(f"round {number} of {options.rounds}")
        order = balancers if number % 2 else balancers[::-1]
        for scenario in options.scenarios:
            for balancer in order:
                before, start = clock.read(balancer.pid), time.monotonic()
                seen = wrk.run(scenario, balancer.port, options.seconds)
                elapsed = time.monotonic() - start
                cpu_ns = machine.spent(before, clock.read(balancer.pid))
                yield Run(scenario.name, number, balancer.name, balancer is order[0], cpu_ns, elapsed, seen)


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _allow_open_files() -> None:
    """As many as the system lets us; what we start inherits it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
