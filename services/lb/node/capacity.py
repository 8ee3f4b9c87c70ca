"""What this machine gives the node: cores, memory, descriptors. Reads the operating system, decides nothing.

A container's limits are its control group's, so a node in one sees them here: files of cgroup v2 (`cpu.max`, `memory.max`)
or v1 (`cpu.cfs_quota_us`, `memory.limit_in_bytes`), in the group of this process and in those above it; the tightest one
holds (cgroups(7), Documentation/admin-guide/cgroup-v2.rst of Linux). Inside a container the group's own path may not be
visible; then the files at the root of the mount are its own.
"""

import math
import os
import resource
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from lab.core.prometheus import ProcessUse, process_use
from services.lb.node.allowance import Machine

_ROOT = Path("/")


def this_machine() -> Machine:
    """Raises the limit of descriptors to what is allowed, for this process and its children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = soft  # macOS says so and then refuses it
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return Machine(usable_cores(_ROOT, _affinity()), usable_memory(_ROOT, _physical_memory()), hard)


def usable_cores(root: Path, affinity: int) -> int:
    """At least 1. A quota of one and a half cores is two: the half would lie idle otherwise."""
    quotas = [_ratio(*_words(folder / "cpu.max")) for folder in _folders(root, "")]
    quotas += [
        _ratio(*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us"))
        for folder in _folders(root, "cpu")
    ]
    return max(1, min([affinity, *(math.ceil(quota) for quota in quotas if quota is not None)]))


def usable_memory(root: Path, physical: int) -> int:
    """Bytes."""
    limits = [word for folder in _folders(root, "") for word in _words(folder / "memory.max")]
    limits += [word for folder in _folders(root, "memory") for word in _words(folder / "memory.limit_in_bytes")]
    return min([physical, *(int(word) for word in limits if word.isdecimal())])


def use_of(pid: int | str, root: Path = _ROOT) -> ProcessUse | None:
    """What a process has used; None when it is gone, or where there is no /proc."""
    own = root / "proc" / str(pid)
    try:
        stat = (own / "stat").read_text()
        booted = next(line for line in _lines(root / "proc/stat") if line.startswith("btime"))
        descriptors = len(os.listdir(own / "fd"))
    except (OSError, StopIteration):
        return None
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return process_use(stat, ticks, page, float(booted.split()[1]), descriptors, most)


def _ratio(*words: str) -> float | None:
    """Quota through period, both in microseconds; None where there is no quota ("max", -1)."""
    if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]):
        return int(words[0]) / int(words[1])
    return None


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Where the files of this process's group may be, and those of the groups above. `controller` "" is v2."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            mount = root / "sys/fs/cgroup" / controller
            own = PurePosixPath(path).relative_to("/")
            yield from (mount / part for part in (own, *own.parents))


def _words(path: Path) -> list[str]:
    lines = _lines(path)
    return lines[0].split() if lines else []


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []  # another system, or another version of control groups


def _affinity() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _physical_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
