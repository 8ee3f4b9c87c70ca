"""Processes as the operating system shows them: who is who, who belongs to whom, how much CPU they used.

A pid says nothing by itself: it is used again. Here a process is its pid *and* when it started (on Linux with the boot it
started in), and nothing is signalled whose start is not the one that was noted when we made it.

Source: proc(5) for `/proc/<pid>/stat`, where the fields after the name count from 3; ps(1) where there is no /proc.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LINUX = (PROC / "self" / "stat").exists()
_TICKS = os.sysconf("SC_CLK_TCK")
_PS = ["ps", "-o", "pid=,ppid=,pgid=,stat=,time=,lstart="]


@dataclass(frozen=True, slots=True)
class Process:
    """`started` is an opaque word, the same for a process's whole life. `cpu` is seconds, with that of waited-for children.
    `stopped`: by a signal, until another one lets it go on."""

    pid: int
    parent: int
    group: int
    zombie: bool
    started: str
    cpu: float
    stopped: bool = False

    @property
    def leader(self) -> "Leader":
        return Leader(self.pid, self.started)


@dataclass(frozen=True, slots=True)
class Leader:
    """The first process of a machine, whose process group is the machine."""

    pid: int
    started: str

    def look(self) -> Process | None:
        """The process as it is now, maybe a zombie; None when it is gone, even if its pid is somebody else's by now."""
        process = look(self.pid)
        return process if process is not None and process.started == self.started else None

    @property
    def alive(self) -> bool:
        process = self.look()
        return process is not None and not process.zombie

    @property
    def stopped(self) -> bool:
        process = self.look()
        return process is not None and process.stopped


def boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def parse_stat(text: str, boot: str) -> Process:
    """A process from the text of its `/proc/<pid>/stat`. The name in parentheses may itself hold blanks and parentheses."""
    pid = int(text.split(" ", 1)[0])
    fields = text[text.rindex(")") + 2 :].split()
    field = {number: fields[number - 3] for number in (3, 4, 5, 14, 15, 16, 17, 22)}
    cpu = sum(int(field[number]) for number in (14, 15, 16, 17)) / _TICKS
    return Process(
        pid, int(field[4]), int(field[5]), field[3] in "ZX", f"{boot} {field[22]}", cpu, stopped=field[3] == "T"
    )


def parse_ps(line: str) -> Process:
    """A process from a line of `_PS`; TIME is [[dd-]hh:]mm:ss[.cc] and the start is the five words of lstart."""
    pid, parent, group, state, time, *started = line.split()
    days, _, rest = time.rpartition("-")
    used = 0.0
    for part in rest.split(":"):
        used = used * 60 + float(part)
    seconds = int(days or 0) * 86400 + used
    zombie, stopped = state[0] == "Z", state[0] == "T"
    return Process(int(pid), int(parent), int(group), zombie, " ".join(started), seconds, stopped=stopped)


def look(pid: int) -> Process | None:
    if not LINUX:
        return next((parse_ps(line) for line in _ps("-p", str(pid))), None)
    try:
        return parse_stat((PROC / str(pid) / "stat").read_text(), boot_id())
    except (FileNotFoundError, ProcessLookupError):
        return None


def table() -> dict[int, Process]:
    """All processes by pid."""
    if not LINUX:
        return {process.pid: process for process in map(parse_ps, _ps("-A"))}
    boot = boot_id()
    found = {}
    for pid in _pids():
        with suppress(OSError):  # it ended while we looked
            found[pid] = parse_stat((PROC / str(pid) / "stat").read_text(), boot)
    return found


def title(pid: int) -> str:
    """What the process calls itself: its command line, unless it wrote something else there. Empty when it is gone."""
    if not LINUX:
        return subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout.strip()
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


def family(leader: Leader, processes: dict[int, Process]) -> list[Process]:
    """The leader, its group, and all descendants of these; nothing when the leader is gone."""
    head = processes.get(leader.pid)
    if head is None or head.started != leader.started:
        return []
    members = {pid for pid, process in processes.items() if process.group == leader.pid} | {leader.pid}
    grown = True
    while grown:
        more = {pid for pid, process in processes.items() if process.parent in members} - members
        members |= more
        grown = bool(more)
    return [processes[pid] for pid in members]


def signal_group(leader: Leader, number: signal.Signals) -> bool:
    """Signal the leader's process group, if the leader is still there (a zombie holds its pid too); whether it was."""
    if leader.look() is None:
        return False
    with suppress(ProcessLookupError):
        os.killpg(leader.pid, number)
    return True


def kill_family(leader: Leader) -> None:
    """SIGKILL the whole group and descendants with groups of their own, as PostgreSQL's are."""
    others = [process for process in family(leader, table()) if process.group != leader.pid]
    signal_group(leader, signal.SIGKILL)
    for process in others:
        if process.leader.alive:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def kill_inhabitants(folder: Path) -> bool:
    """SIGKILL every process whose working directory is in `folder`; whether there was one.

    They outlived the leader of their machine, and nothing else ties them to it by then. A machine has no terminal: who has
    one is a person looking around in the folder. Where there is no /proc none is found.
    """
    found = False
    for pid in _pids():
        with suppress(OSError):
            if Path(os.readlink(PROC / str(pid) / "cwd")).is_relative_to(folder) and not _has_terminal(pid):
                os.kill(pid, signal.SIGKILL)
                found = True
    return found


def reap(leader: Leader) -> int | None:
    """Take the exit code of a zombie that is our own child, as a shell gives it (128 + signal); None for any other.

    Its group must have got SIGKILL: the first thread can be a zombie a moment before the others are gone, and this waits.
    """
    process = leader.look()
    if process is None or not process.zombie:
        return None
    try:
        _, status = os.waitpid(leader.pid, 0)
    except ChildProcessError:
        return None
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _has_terminal(pid: int) -> bool:
    text = (PROC / str(pid) / "stat").read_text()
    return text[text.rindex(")") + 2 :].split()[7 - 3] != "0"  # tty_nr


def _pids() -> Iterator[int]:
    if LINUX:
        yield from (int(name) for name in os.listdir(PROC) if name.isdigit())


def _ps(*selection: str) -> list[str]:
    output = subprocess.run(
        [*_PS, *selection], capture_output=True, text=True, check=False, env={"LC_ALL": "C", **os.environ}
    )
    return output.stdout.splitlines()
