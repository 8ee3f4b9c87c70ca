"""Measures the balancer against nginx and others: `python -m bench.balancer`.

An origin, the balancers (`contender.py` says what they do alike) and a load generator run on loopback, on ports picked for the
occasion. Each balancer has the same core for its own, and is measured alone while the others idle.

The measure is CPU time of the balancer's processes per request, kernel time included. Absolute figures drift with whatever
else runs; so the contenders take turns (A B C, C B A, …), and what counts is the median of the ratios within the rounds.
"""

import contextlib
import datetime
import resource
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bench import certificate, contenders, handshakes, interpreter, load, machine, nginx, output, summary, turns
from bench.handshakes import Ab
from bench.load import Wrk
from bench.options import Options, parse
from bench.output import Facts
from bench.processes import BenchError, UnavailableError, free_ports, program
from bench.scenarios import IDLE, SCENARIOS
from bench.turns import Generators, Ground

_MEMORY_ROUNDS = 3
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 measured, whether goals were met or not; 1 failed or measured with errors; 2 cannot be measured here;
    130 interrupted."""
    options = parse(arguments)
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
    scenarios = [one for one in SCENARIOS if one.name in options.scenarios]
    idles = [one for one in IDLE if one.name in options.scenarios]
    nginx_program = program("nginx", "Debian: apt-get install nginx-light")
    wrk = program("wrk", "Debian: apt-get install wrk")
    ab = program("ab", "Debian: apt-get install apache2-utils")
    python = interpreter.ask(options.python)
    found = contenders.find(options.contenders, python, nginx_program)
    for line in found.missing:
        turns.progress(f"left out: {line}")
    _allow_open_files()
    cores = machine.choose_cores()
    clock = machine.CpuClock()
    load_before, (stolen, total) = machine.load_average(), machine.host_times()
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-balancer-")))
        stack.enter_context(machine.pinned(cores.load))  # we, too: the node's control plane is a thread of ours
        origins = tuple(free_ports(2))
        stack.enter_context(nginx.origin(nginx_program, directory / "origin", origins, cores.load))
        stack.callback(_finish_undisturbed)
        pem = directory / "certificate.pem"
        certificate.write(pem)
        ground = Ground(directory, origins, pem, options.connections, cores.balancer)
        generators = Generators(
            Wrk(wrk, directory, options.connections, cores.load), Ab(ab, options.connections, cores.load)
        )
        memory_rounds = min(options.rounds, _MEMORY_ROUNDS)
        growths = list(turns.growths(memory_rounds, idles, found.contenders, ground))
        runs = list(
            turns.runs(options.rounds, options.seconds, scenarios, found.contenders, ground, generators, clock)
            if scenarios
            else ()
        )
    stolen_after, total_after = machine.host_times()
    facts = Facts(
        date=datetime.datetime.now().astimezone().date().isoformat(),
        machine=machine.describe(),
        python=str(python),
        contenders={one.name: one.version for one in found.contenders},
        remarks=[
            *(f"{one.title} {one.remark}" for one in found.contenders if one.remark),
            *(f"left out: {line}" for line in found.missing),
        ],
        load_generators=f"{load.version(wrk)} and {handshakes.version(ab)}",
        cores=str(cores),
        cpu_time_from=clock.source,
        rounds=options.rounds,
        seconds=options.seconds,
        connections=options.connections,
        load_average_before=load_before,
        load_average_after=machine.load_average(),
        steal_percent=round(100 * (stolen_after - stolen) / max(1, total_after - total), 1),
    )
    lines = list(summary.lines(runs, growths))
    output.show(facts, lines)
    if options.keep is not None:
        print(f"kept in {output.keep(options.keep, facts, runs, growths, lines)}")
    return int(any(run.load.errors for run in runs))


def _allow_open_files() -> None:
    """As many as the system lets us; what we start inherits it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
