"""From a specification to a running process, and from that to nothing. Blocking; the adapter runs it in threads.

A machine's state is never stored, it is looked up: its folder says who its leader is, the operating system whether that
one lives. So there is nothing to adopt and nothing to get out of step.
"""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.adapters.placeholders import machine_environment
from lab.adapters.process import ports, postgres
from lab.adapters.process.folder import FOLDER_MODE, Folder, folders
from lab.adapters.process.processes import Leader, kill_inhabitants, reap, signal_family, signal_group
from lab.adapters.process.settings import INHERITED, POSTGRES, ProcessSettings
from lab.adapters.process.spawn import Program, spawn
from lab.adapters.process.zones import FailedZones
from lab.core.compute import MachineSpec
from lab.core.errors import Refused, Unavailable

DYING, PAUSE = 5.0, 0.01  # seconds a killed process may take to go, and between looks


@dataclass(frozen=True, slots=True)
class Found:
    """A machine as its folder and the operating system show it. `leader` is None unless it runs or is `paused`."""

    spec: MachineSpec
    ports: dict[int, int]
    leader: Leader | None
    exit_code: int | None
    paused: bool = False


class Lifecycle:
    """The machines below one state directory. Safe to call from several threads."""

    def __init__(self, settings: ProcessSettings) -> None:
        self.settings = settings
        self.folders = settings.state_dir.resolve() / "machines"
        self._choosing = threading.Lock()  # from looking which ports are free to noting them down
        self._burying = threading.Lock()  # an exit code can be taken once
        self._machines: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)  # one launch at a time each

    def folder(self, machine_id: str) -> Folder:
        return Folder(self.folders, machine_id)

    def found(self) -> list[Found]:
        machines = []
        with writable(self.settings.state_dir):
            for folder in folders(self.folders):
                with contextlib.suppress(FileNotFoundError):  # removed while we read
                    machines.append(self.look(folder))
        return machines

    def look(self, folder: Folder) -> Found:
        leader = folder.leader()
        process = None if leader is None else leader.look()
        if leader is None or process is None or process.zombie:
            if leader is not None:
                self.bury(folder, leader)
            return Found(folder.spec(), folder.ports(), None, folder.exit_code())
        return Found(folder.spec(), folder.ports(), leader, None, process.stopped)

    def bury(self, folder: Folder, leader: Leader) -> None:
        """After the leader's death: end what is left of its group, take its exit code. A zombie still holds its pid."""
        with self._burying:
            if leader.look() is not None:
                signal_group(leader, signal.SIGKILL)
                code = reap(leader)
                if code is not None:
                    folder.note_exit(code)

    def launch(self, spec: MachineSpec) -> tuple[Found, bool]:
        """The machine, and whether it had to be started."""
        folder = self.folder(spec.id)
        with self._machines[spec.id], writable(self.settings.state_dir):
            if folder.exists:
                found = self.look(folder)
                if found.leader is not None:
                    return found, False
                self._clear(folder)
                ports.check_free(found.ports)
                self._start(folder, found.spec, found.ports)
            else:
                try:
                    self._make(folder, spec)
                    self._start(folder, spec, folder.ports())
                except BaseException:
                    folder.remove()
                    raise
            return self.look(folder), True

    def runs(self, machine_id: str) -> bool:
        folder = self.folder(machine_id)
        return folder.exists and self.look(folder).leader is not None

    def kill(self, machine_id: str) -> None:
        self._kill(self.folder(machine_id), self._alive(machine_id))

    def freeze(self, machine_id: str, *, paused: bool) -> bool:
        """Have it paused, or not; whether that was anything new. The signals take a moment to be seen."""
        leader, folder = self._alive(machine_id), self.folder(machine_id)
        before = self.look(folder).paused
        # Also when the leader is as it should be: an earlier call may have been cut short before the others.
        signal_family(leader, signal.SIGSTOP if paused else signal.SIGCONT)
        for _ in range(int(DYING / PAUSE)):
            if self.look(folder).paused is paused:
                return before is not paused
            time.sleep(PAUSE)
        raise Unavailable(f"{machine_id} was told to {'pause' if paused else 'go on'} but does not")

    def end(self, machine_id: str) -> None:
        """SIGKILL if it still runs. It stays, stopped."""
        folder = self.folder(machine_id)
        leader = self.look(folder).leader if folder.exists else None
        if leader is not None:
            self._kill(folder, leader)

    def ask_to_stop(self, machine_id: str) -> Leader | None:
        """SIGTERM to the group; a database gets SIGINT, which is PostgreSQL's fast shutdown. The leader, if it runs; a paused
        one is not asked, for it would not hear."""
        folder = self.folder(machine_id)
        found = self.look(folder) if folder.exists else None
        if found is None or found.leader is None or found.paused:
            return None
        signal_group(found.leader, signal.SIGINT if found.spec.image == POSTGRES else signal.SIGTERM)
        return found.leader

    def remove(self, machine_id: str) -> None:
        folder = self.folder(machine_id)
        with self._machines[machine_id], writable(self.settings.state_dir):
            leader = folder.leader()
            if leader is not None:
                self._kill(folder, leader)
            self._clear(folder)
            folder.remove()
        self._machines.pop(machine_id, None)

    def _alive(self, machine_id: str) -> Leader:
        folder = self.folder(machine_id)
        leader = self.look(folder).leader if folder.exists else None
        if leader is None:
            raise Refused(f"no machine {machine_id} is running")
        return leader

    def _kill(self, folder: Folder, leader: Leader) -> None:
        signal_family(leader, signal.SIGKILL)
        for _ in range(int(DYING / PAUSE)):
            if not leader.alive:
                self.bury(folder, leader)
                return
            time.sleep(PAUSE)
        raise Unavailable(f"{folder.id} was killed but does not go away")

    def _clear(self, folder: Folder) -> None:
        """End what outlived the leader, and wait for that: it may hold the ports, or PostgreSQL's shared memory."""
        for _ in range(int(DYING / PAUSE)):
            if not kill_inhabitants(folder.path):
                return
            time.sleep(PAUSE)
        raise Unavailable(f"processes of {folder.id} were killed but do not go away")

    def _make(self, folder: Folder, spec: MachineSpec) -> None:
        """The folder, with the ports chosen; `Refused` before anything is made when the machine could never start."""
        self.folders.mkdir(parents=True, exist_ok=True)
        for path in (self.settings.state_dir, self.folders):
            path.chmod(FOLDER_MODE)
        if spec.image == POSTGRES:
            postgres.find_binaries(self.settings.environ)
        else:
            self._command(spec)
        with self._choosing:
            taken = {actual for other in folders(self.folders) for actual in other.ports().values()}
            folder.make(spec, ports.choose(spec, self.settings.ports, taken))

    def _start(self, folder: Folder, spec: MachineSpec, actual: dict[int, int]) -> None:
        if spec.image == POSTGRES:
            port = next(iter(actual.values()), None)
            if port is None:
                raise Refused(f"the database {spec.id} has no port")
            spawn(folder, postgres.program(folder, spec, port, self.settings.environ))
            return
        environment = {name: self.settings.environ[name] for name in INHERITED if name in self.settings.environ}
        environment |= machine_environment(spec, bind="127.0.0.1", data=str(folder.data), ports=actual)
        environment["LAB_ROOT"] = str(folder.root)
        spawn(folder, Program(self._command(spec), environment, folder.root, {}))

    def _command(self, spec: MachineSpec) -> list[str]:
        command = self.settings.commands.get(spec.image)
        if command is None:
            known = ", ".join(sorted({*self.settings.commands, POSTGRES}))
            raise Refused(f"the image {spec.image!r} needs Docker; without it there are: {known}")
        if shutil.which(command[0], path=self.settings.environ.get("PATH")) is None:
            raise Refused(f"the program {command[0]} of image {spec.image!r} was not found")
        return list(command)


def sweep(state_dir: Path) -> None:
    """Kill and remove every machine below `state_dir`, half-made ones too. What else is in there stays."""
    lifecycle = Lifecycle(ProcessSettings(state_dir))
    FailedZones(state_dir).forget()
    if not lifecycle.folders.exists():
        return
    for entry in sorted(lifecycle.folders.iterdir()):
        if not entry.name.startswith("."):
            lifecycle.remove(entry.name)
    with writable(state_dir):
        shutil.rmtree(lifecycle.folders)


@contextlib.contextmanager
def writable(state_dir: Path) -> Iterator[None]:
    """A state directory that cannot be written is a matter of the settings, not a crash."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno is not None else str(error)
        raise Refused(
            f"the state directory {state_dir} cannot be used ({reason}: {error.filename}): make it writable or choose another"
        ) from error
