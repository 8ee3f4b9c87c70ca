"""The contenders take turns: who is started where, who is loaded when."""

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import equality, machine, memory
from bench.contender import Contender, Running, Site
from bench.handshakes import Ab
from bench.load import Load, Wrk
from bench.memory import Growth
from bench.processes import free_ports
from bench.scenarios import Idle, Scenario
from bench.summary import Run

_WARM_UP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Generators:
    wrk: Wrk
    ab: Ab

    def run(self, scenario: Scenario, running: Running, seconds: int) -> Load:
        port = running.site.tls_port if scenario.tls else running.site.port
        return (self.ab if scenario.handshakes else self.wrk).run(scenario, port, seconds)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where balancers are put up: each in a folder below `directory`, on ports of its own."""

    directory: Path
    origins: tuple[int, ...]
    certificate: Path
    connections: int
    core: int | None

    def site(self, name: str) -> Site:
        """`name` is to be another one each time."""
        directory = self.directory / name
        directory.mkdir()
        port, tls_port = free_ports(2)
        return Site(directory, port, tls_port, self.origins, self.certificate, self.connections, self.core)


def growths(rounds: int, idles: Sequence[Idle], contenders: Sequence[Contender], ground: Ground) -> Iterator[Growth]:
    """Memory of idle connections. Each measurement starts its contender anew."""
    for number, idle in itertools.product(range(1, rounds + 1), idles):
        progress(f"{idle.name}, round {number} of {rounds}")
        for contender in contenders:
            site = ground.site(f"{contender.name}-{idle.name}-{number}")
            yield memory.growth(contender, site, idle, number)


def runs(
    rounds: int,
    seconds: int,
    scenarios: Sequence[Scenario],
    contenders: Sequence[Contender],
    ground: Ground,
    generators: Generators,
    clock: machine.CpuClock,
) -> Iterator[Run]:
    """All contenders are up all the time; every other round goes the other way round."""
    with contextlib.ExitStack() as stack:
        up = []
        for contender in contenders:
            site = ground.site(contender.name)
            up.append(Running(contender, site, stack.enter_context(contender.start(site))))
        progress("trying what is to be measured, and warming up")
        for running, scenario in itertools.product(up, scenarios):
            equality.check(running, scenario)
            generators.run(scenario, running, _WARM_UP_SECONDS)
            _empty(running.site.access_log)
        for number in range(1, rounds + 1):
            progress(f"round {number} of {rounds}")
            for scenario in scenarios:
                for turn, running in enumerate(up if number % 2 else up[::-1]):
                    before, start = clock.read(running.pid), time.monotonic()
                    seen = generators.run(scenario, running, seconds)
                    elapsed = time.monotonic() - start
                    after = clock.read(running.pid)
                    time.sleep(running.contender.settles)
                    yield Run(
                        scenario=scenario.name,
                        round=number,
                        turn=turn,
                        contender=running.contender.name,
                        cpu_ns=machine.spent(before, after),
                        after_ns=machine.spent(after, clock.read(running.pid)),
                        elapsed=elapsed,
                        load=seen,
                    )
                    _empty(running.site.access_log)


def _empty(log: Path) -> None:
    """Logs of minutes at full speed fill a disk."""
    with contextlib.suppress(FileNotFoundError):
        os.truncate(log, 0)


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
