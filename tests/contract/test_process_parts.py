"""The parts of the process adapter that need no machine."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.adapters.process import ports
from lab.adapters.process.postgres import find_binaries
from lab.adapters.process.processes import Process, family, look, parse_ps, parse_stat
from lab.adapters.process.watch import Watch
from lab.core.compute import MachineSpec, Port, Role
from lab.core.errors import Refused, Unavailable
from tests.contract.worlds import free_port, listening
from tests.eventually import eventually


@pytest.mark.parametrize(
    ("parse", "expected"),
    [
        (
            lambda: parse_stat("7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 100 50 20 30 20 0 1 0 4242 0", "boot"),
            Process(7, 1, 7, False, "boot 4242", 200 / os.sysconf("SC_CLK_TCK")),
        ),
        (
            lambda: parse_ps("  7 1 7 Ss 1-02:03:04 Mon Nov 23 22:26:50 2026"),
            Process(7, 1, 7, False, "Mon Nov 23 22:26:50 2026", 93784.0),
        ),
        (
            lambda: parse_ps("7 1 7 Z+ 0:01.25 Mon Nov 23 22:26:50 2026"),
            Process(7, 1, 7, True, "Mon Nov 23 22:26:50 2026", 1.25),
        ),
        (
            lambda: parse_stat("7 (a) T 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0", "boot"),
            Process(7, 1, 7, False, "boot 4242", 0.0, stopped=True),
        ),
        (
            lambda: parse_ps("7 1 7 T 0:00 Mon Nov 23 22:26:50 2026"),
            Process(7, 1, 7, False, "Mon Nov 23 22:26:50 2026", 0.0, stopped=True),
        ),
    ],
)
def test_processes_are_read_from_proc_and_ps(parse: Callable[[], Process], expected: Process) -> None:
    assert parse() == expected


def test_a_family_is_the_group_and_all_descendants() -> None:
    def process(pid: int, parent: int, group: int) -> Process:
        return Process(pid, parent, group, False, f"at {pid}", 0.0)

    everyone = [process(1, 0, 1), process(10, 1, 10), process(11, 10, 10), process(12, 10, 12), process(13, 12, 13)]
    everyone += [process(14, 1, 10), process(20, 1, 20)]
    table = {one.pid: one for one in everyone}
    assert {one.pid for one in family(table[10].leader, table)} == {10, 11, 12, 13, 14}
    assert family(process(10, 1, 10).leader, {10: Process(10, 1, 10, False, "later", 0.0)}) == []


def spec(*numbers: Port) -> MachineSpec:
    return MachineSpec("i-1", Role.INSTANCE, "app", "vpc-1", "a", "10.0.0.10", 1.0, 128, {}, numbers)


def test_ports_are_the_published_one_or_the_first_that_is_free() -> None:
    published, other = free_port(), free_port()
    with listening() as occupied:
        assert ports.choose(spec(Port(80, published), Port(81)), [occupied, 1234, published, other], {1234}) == {
            80: published,
            81: other,
        }
        with pytest.raises(Refused, match=f"port {occupied} on 127.0.0.1 is in use"):
            ports.choose(spec(Port(80, occupied)), [], set())
        with pytest.raises(Unavailable):
            ports.choose(spec(Port(80)), [occupied], set())


def test_who_names_the_postgres_gets_that_one_or_an_error(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no PostgreSQL was found"):
        find_binaries({"LAB_PG_BIN": str(tmp_path)})
    for name in ("initdb", "postgres"):
        (tmp_path / name).touch()
    assert find_binaries({"LAB_PG_BIN": str(tmp_path)}) == tmp_path


@pytest.mark.parametrize("pidfds", [True, False])
async def test_the_end_of_a_process_is_noticed(
    pidfds: bool, bystander: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not pidfds:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    ended: list[str] = []
    process = look(bystander.pid)
    assert process is not None
    watch = Watch(lambda name, _: ended.append(name))
    for _ in range(2):
        watch.add("i-1", process.leader)
    bystander.kill()

    async def heard() -> bool:
        return ended == ["i-1"]

    await eventually(heard)
    watch.add("i-1", process.leader)
    watch.close()
