"""What the load generator can do: `python -m bench.generator`, on two cores, beside wrk against the same nginx.

`lab load` sends at a rate whatever the answers take (an open loop), and so has no rate of its own. It is asked for more and
more, and what it sustains is the highest rate at which it was not behind: all was sent, answered, and handed to a connection
within 10 ms of the intended time in 99 of 100 cases. A rate has three tries, for a machine that stands still for 30 ms, as
guests of a busy host do, says nothing of the program. wrk sends as fast as answers come. Both have one core; the server has
the other.
"""

import argparse
import asyncio
import multiprocessing
import resource
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import nginx
from bench.load import Wrk
from bench.machine import choose_cores, pinned
from bench.options import keep
from bench.processes import free_ports
from bench.scenarios import Scenario
from lab.load.engine import run
from lab.load.plan import Plan

RATES = (4_000, 6_000, 8_000, 9_000, 10_000, 11_000, 12_000, 13_000, 14_000, 16_000, 18_000, 20_000)
LATE = 0.010
TRIES = 3
PATH = "/small"
HEAD = f"GET {PATH} HTTP/1.1\r\nHost: bench\r\nUser-Agent: lab-load\r\nAccept: */*\r\n\r\n"


def _sent(url: str, rate: float, seconds: float, core: int | None, answer: Any) -> None:
    with pinned(core):
        before = resource.getrusage(resource.RUSAGE_SELF)
        result = asyncio.run(run(Plan((url,), rate, seconds)))
        after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    answered = result.ok + result.failed
    behind = (result.lateness.percentile(99) or 0.0) > LATE
    answer.send({
        "sustained": not behind and result.ok == result.scheduled,
        "rate": result.achieved_rate,
        "cpu_us": used / max(answered, 1) * 1e6,
    })  # fmt: skip


def sent(url: str, rate: float, seconds: float, core: int | None) -> dict[str, float]:
    """One try, in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_sent, args=(url, rate, seconds, core, there))
    process.start()
    found: dict[str, float] = here.recv()
    process.join()
    return found


def climb(url: str, seconds: float, core: int | None) -> dict[str, float]:
    """The highest rate that is sustained, and what a request cost there."""
    best = {"rate": 0.0, "cpu_us": 0.0}
    for rate in RATES:
        tries = (sent(url, rate, seconds, core) for _ in range(TRIES))
        found = next((one for one in tries if one["sustained"]), None)
        if found is None:
            break
        best = found
    return best


def measure(rounds: int, seconds: int) -> dict[str, Any]:
    programs = {name: shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin") for name in ("nginx", "wrk")}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        sys.exit(f"this needs {' and '.join(missing)}")
    cores = choose_cores()
    turns = []
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        [port] = free_ports(1)
        with nginx.origin(str(programs["nginx"]), Path(folder) / "origin", (port,), cores.balancer):
            wrk = Wrk(str(programs["wrk"]), Path(folder), 32, cores.load)
            scenario = Scenario("small", "small", PATH, HEAD, nginx.SMALL_BYTES)
            for _ in range(rounds):
                load = wrk.run(scenario, port, seconds)
                ours = climb(f"http://127.0.0.1:{port}{PATH}", seconds, cores.load)
                turns.append({"wrk": load.requests / load.seconds, **ours})
    return {"turns": turns, "cores": str(cores)}


def table(found: dict[str, Any]) -> str:
    turns = found["turns"]

    def row(name: str, values: list[float], form: str) -> str:
        return f"| {name} | {statistics.median(values):{form}} | {min(values):{form}} to {max(values):{form}} |"

    return "\n".join([
        "| | median | rounds |", "|---|---|---|",
        row("`lab load`, requests per second sustained", [one["rate"] for one in turns], ",.0f"),
        row("CPU per request, microseconds", [one["cpu_us"] for one in turns], ".0f"),
        row("wrk, requests per second", [one["wrk"] for one in turns], ",.0f"),
        row("`lab load` against wrk", [one["rate"] / one["wrk"] for one in turns], ".2f"),
    ]) + "\n"  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="write bench/results/generator-DATE")
    options = parser.parse_args()
    found = measure(options.rounds, options.seconds)
    text = table(found)
    sys.stdout.write(text)
    if options.keep:
        keep("generator", "The load generator", found, text)


if __name__ == "__main__":
    main()
