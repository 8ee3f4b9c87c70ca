"""Where our node's time goes: `python -m bench.profile small`, by perf (Debian: linux-perf).

The node runs one scenario as the benchmark does, interpreted or, with --compiled, compiled; perf samples its processes, and
prints the functions that took most. Python's own functions have names only in a Python ≥ 3.12 (--python); an older one shows
the interpreter's, and a compiled node the compiled functions. The time of the kernel is in it, where perf may look at it.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import certificate, interpreter, machine, nginx, node
from bench.contender import Running
from bench.handshakes import Ab
from bench.load import Wrk, last
from bench.processes import BenchError, free_ports, program, stop
from bench.scenarios import SCENARIOS
from bench.turns import Generators, Ground

_CONNECTIONS = 32
_HERTZ = 999
_PATIENCE_SECONDS = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 profiled, 1 not."""
    scenarios = {one.name: one for one in SCENARIOS}
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description="Shows where the node's time goes.")
    parser.add_argument("scenario", choices=list(scenarios))
    parser.add_argument("--compiled", action="store_true", help="the compiled node")
    parser.add_argument("--python", default=sys.executable, help="runs our node (default: the one that measures)")
    parser.add_argument("--seconds", type=int, default=5, help="(default: 5)")
    parser.add_argument("--lines", type=int, default=50, help="of the report (default: 50)")
    options = parser.parse_args(arguments)
    scenario = scenarios[options.scenario]
    try:
        perf = program("perf", "Debian: apt-get install linux-perf")
        nginx_program = program("nginx", "Debian: apt-get install nginx-light")
        os.environ["PYTHONPERFSUPPORT"] = "1"  # for a node on Python 3.12 or newer
        contender = node.contender(interpreter.ask(options.python), compiled=options.compiled)
        cores = machine.choose_cores()
        with contextlib.ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-profile-")))
            stack.enter_context(machine.pinned(cores.load))
            origins = tuple(free_ports(2))
            stack.enter_context(nginx.origin(nginx_program, directory / "origin", origins, cores.load))
            pem = directory / "certificate.pem"
            certificate.write(pem)
            site = Ground(directory, origins, pem, _CONNECTIONS, cores.balancer).site("node")
            running = Running(contender, site, stack.enter_context(contender.start(site)))
            stack.callback(_forget, machine.tree(running.pid))
            generators = Generators(
                Wrk(program("wrk", "Debian: apt-get install wrk"), directory, _CONNECTIONS, cores.load),
                Ab(program("ab", "Debian: apt-get install apache2-utils"), _CONNECTIONS, cores.load),
            )
            generators.run(scenario, running, 1)
            sampling = _sample(perf, directory / "perf.data", machine.tree(running.pid), options.seconds)
            generators.run(scenario, running, options.seconds)
            print(_report(perf, sampling, directory / "perf.data", options.lines))
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _sample(perf: str, data: Path, pids: Sequence[int], seconds: int) -> "subprocess.Popen[bytes]":
    command = [perf, "record", "-q", "-F", str(_HERTZ), "-o", str(data), "-p", ",".join(map(str, pids))]
    return subprocess.Popen(
        [*command, "--", "sleep", str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _report(perf: str, sampling: "subprocess.Popen[bytes]", data: Path, lines: int) -> str:
    """By share of the samples. Raises BenchError when there are none."""
    try:
        said = sampling.communicate(timeout=_PATIENCE_SECONDS)[0].decode(errors="replace")
    finally:
        stop(sampling)
    found = []
    for key in ("dso", "dso,symbol"):
        report = subprocess.run(
            [perf, "report", "-i", str(data), "--stdio", "--sort", key], capture_output=True, text=True, check=False
        )
        rows = [line.rstrip(" -") for line in report.stdout.splitlines() if line.strip() and not line.startswith("#")]
        if not rows:
            raise BenchError(f"perf has seen nothing: {last(said + report.stderr)}")
        found += [*rows[:lines], ""]
    return "\n".join(found)


def _forget(pids: Sequence[int]) -> None:
    """The names of functions that Python leaves for perf."""
    for pid in pids:
        Path(f"/tmp/perf-{pid}.map").unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
