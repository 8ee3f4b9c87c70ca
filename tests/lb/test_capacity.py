"""What control groups say a process may use, read from a made-up root."""

from pathlib import Path

import pytest

from services.lb.node.capacity import this_machine, usable_cores, usable_memory

V2 = "0::/a/b"
V1 = "9:name=systemd:/\n4:memory:/docker/1\n1:cpu,cpuacct:/docker/1"
PERIOD = "100000"


def root(folder: Path, groups: str, **files: str) -> Path:
    """`files` are paths below sys/fs/cgroup, with __ for a slash."""
    for name, text in {"proc__self__cgroup": groups, **{f"sys__fs__cgroup__{n}": t for n, t in files.items()}}.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return folder


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 4), ("100000 100000", 1), ("150000 100000", 2), ("10000 100000", 1), ("", 4)]
)
def test_cores_v2(tmp_path: Path, quota: str, cores: int) -> None:
    assert usable_cores(root(tmp_path, V2, **{"a__b__cpu.max": quota}), 4) == cores


def test_the_tightest_group_holds(tmp_path: Path) -> None:
    files = {"a__cpu.max": "200000 100000", "a__b__cpu.max": "300000 100000", "a__memory.max": "1000"}
    folder = root(tmp_path, V2, **files)
    assert (usable_cores(folder, 4), usable_memory(folder, 5000)) == (2, 1000)
    assert (usable_cores(folder, 1), usable_memory(folder, 500)) == (1, 500)


def test_v1(tmp_path: Path) -> None:
    """In a container the path is the host's; what is visible at the mount's root is the container's own."""
    files = {
        "cpu__cpu.cfs_quota_us": "250000",
        "cpu__cpu.cfs_period_us": PERIOD,
        "memory__memory.limit_in_bytes": "268435456",
    }
    folder = root(tmp_path, V1, **files)
    assert (usable_cores(folder, 8), usable_memory(folder, 1 << 40)) == (3, 256 << 20)


def test_v1_without_a_quota(tmp_path: Path) -> None:
    folder = root(tmp_path, V1, **{"cpu__cpu.cfs_quota_us": "-1", "cpu__cpu.cfs_period_us": PERIOD})
    assert usable_cores(folder, 8) == 8


def test_no_control_groups(tmp_path: Path) -> None:
    assert (usable_cores(tmp_path, 8), usable_memory(tmp_path, 77)) == (8, 77)


def test_this_machine_has_something() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.memory > 1 << 20
    assert machine.descriptors >= 64
