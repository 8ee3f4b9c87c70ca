"""The machine under the measurement: cores, CPU time of a process tree, and what else was going on. Linux only."""

import contextlib
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cores:
    """Where things run: `load` for the origin and the load generators, `balancer` for what is measured. None: not pinned."""

    load: int | None
    balancer: int | None

    def __str__(self) -> str:
        if self.load is None:
            return "one core only: nothing is pinned, the load and the balancer compete for it"
        return f"origin and load on core {self.load}, the balancers on core {self.balancer}"


def choose_cores() -> Cores:
    """The first two that this process may use; no pinning when there is one."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(*usable[:2]) if len(usable) > 1 else Cores(None, None)


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """What is started inside runs on `core`: a child inherits the affinity of the thread that starts it."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class CpuClock:
    """On-CPU time of a process and its descendants: exact (schedstat), or else in scheduler ticks."""

    def __init__(self) -> None:
        try:
            self._exact = int((_PROC / "self/schedstat").read_text().split()[0]) > 0
        except OSError:
            self._exact = False

    @property
    def source(self) -> str:
        return "/proc/*/task/*/schedstat" if self._exact else "/proc/*/stat (10 ms ticks)"

    def read(self, root: int) -> dict[int, int]:
        """Nanoseconds so far, by thread (exact) or by process."""
        times = {}
        for pid in tree(root):
            try:
                if self._exact:
                    for task in (_PROC / str(pid) / "task").iterdir():
                        times[int(task.name)] = int((task / "schedstat").read_text().split()[0])
                else:
                    times[pid] = sum(map(int, _stat(pid)[11:13])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended while we looked
        return times


def spent(before: dict[int, int], after: dict[int, int]) -> int:
    """Nanoseconds between two readings; what has ended in between is not counted."""
    return sum(now - before.get(task, 0) for task, now in after.items())


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, …"""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def tree(root: int) -> list[int]:
    """The pids of a process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    found = [root]
    for pid in found:  # grows while it is read: breadth first
        found += children.get(pid, [])
    return found


def resident(root: int) -> int:
    """Bytes of memory of a process and its descendants, what they share counted once (PSS). The kernel's is not in it."""
    total = 0
    for pid in tree(root):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # ended while we looked
            for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def maps(pid: int) -> str:
    """What a process has mapped, a line each that ends in a file's path; nothing of one that has ended."""
    try:
        return (_PROC / str(pid) / "maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def load_average() -> tuple[float, float, float]:
    """Over 1, 5 and 15 minutes."""
    return os.getloadavg()


def host_times() -> tuple[int, int]:
    """(time stolen by other guests of the host, all time), in ticks since boot, over all cores."""
    fields = [int(field) for field in (_PROC / "stat").read_text().splitlines()[0].split()[1:9]]
    return fields[7], sum(fields)


@dataclass(frozen=True, slots=True)
class Machine:
    processor: str
    cores: int
    kernel: str

    def __str__(self) -> str:
        return f"{self.processor}, {self.cores} cores, {self.kernel}"


def describe() -> Machine:
    lines = (_PROC / "cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return Machine(
        processor=model or platform.machine(),
        cores=os.cpu_count() or 1,
        kernel=f"{platform.system()} {platform.release()}",
    )
