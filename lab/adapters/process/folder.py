"""A machine's folder: all that the lab knows of it, so that the next control plane finds what the last one left.

<state_dir>/machines/<id>/
    spec.json      the specification, written last when it is made: without it there is no machine. Holds secrets.
    machine.json   the actual port of each port number
    leader         who the machine is: written by its own first process, so no crash of ours can lose a running one
    exit           the exit code, when we saw it end
    log, log.1     standard output and error; rotated when the machine is started
    data/  root/   what survives, and the machine's private file system root
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.adapters.process.processes import Leader, parse_stat
from lab.core.compute import MachineSpec, Port, Role
from lab.core.errors import Refused

LOG_LIMIT = 4 * 1024 * 1024  # bytes at a start above which the log is set aside
TAIL_LIMIT = 1024 * 1024  # bytes from the end in which lines are looked for
# PostgreSQL does not run as root and then runs as nobody, who must be able to get through to its data. What is secret has
# a mode of its own.
FOLDER_MODE = 0o711 if os.geteuid() == 0 else 0o700
SECRET_MODE = 0o600


class Folder:
    """One machine's folder, whether it exists or not."""

    def __init__(self, machines: Path, machine_id: str) -> None:
        if Path(machine_id).name != machine_id or machine_id.startswith("."):
            raise Refused(f"{machine_id!r} cannot be a machine's name")
        self.id = machine_id
        self.path = machines / machine_id
        self.log = self.path / "log"
        self.data = self.path / "data"
        self.root = self.path / "root"

    @property
    def exists(self) -> bool:
        return (self.path / "spec.json").exists()

    def make(self, spec: MachineSpec, ports: dict[int, int]) -> None:
        """Make the folder; a half-made one of an earlier crash is replaced."""
        self.remove()
        for path in (self.path, self.data, self.root):
            path.mkdir()
            path.chmod(FOLDER_MODE)
        self._write("machine.json", {"ports": ports})
        self._write("spec.json", asdict(spec))

    def remove(self) -> None:
        """Remove the folder: at first its name, in one step, then what is in it."""
        gone = self.path.with_name(f".gone-{self.id}")
        shutil.rmtree(gone, ignore_errors=True)
        with suppress(FileNotFoundError):
            self.path.rename(gone)
            shutil.rmtree(gone)

    def spec(self) -> MachineSpec:
        raw = self._read("spec.json")
        ports = tuple(Port(**port) for port in raw["ports"])
        return MachineSpec(**raw | {"role": Role(raw["role"]), "ports": ports, "hostnames": tuple(raw["hostnames"])})

    def ports(self) -> dict[int, int]:
        return {int(number): actual for number, actual in self._read("machine.json")["ports"].items()}

    def leader(self) -> Leader | None:
        """The process noted last, dead or alive; None before the first start and in the instant of a start."""
        try:
            pid, boot, rest = (self.path / "leader").read_text().strip().split(" ", 2)
        except (FileNotFoundError, ValueError):
            return None
        if boot == "-":
            return Leader(int(pid), " ".join(rest.split()))
        return Leader(int(pid), parse_stat(rest, boot).started)

    def exit_code(self) -> int | None:
        try:
            return int((self.path / "exit").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def note_exit(self, code: int) -> None:
        # The code is for people: where the folder is being removed, or the disk is full, the machine has ended all the same.
        with suppress(OSError):
            (self.path / "exit").write_text(str(code))

    def ready_to_start(self) -> None:
        """Forget the last run, keep its log within bounds."""
        (self.path / "exit").unlink(missing_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.path / "log.1")

    def tail(self, lines: int) -> str:
        text = b""
        for name in ("log.1", "log"):
            with suppress(FileNotFoundError), (self.path / name).open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_LIMIT))
                text += file.read()
        return b"".join(text.splitlines(keepends=True)[-lines:] if lines > 0 else []).decode(errors="replace")

    def _read(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.path / name).read_text())
        return content

    def _write(self, name: str, content: dict[str, Any]) -> None:
        """Whole or not at all."""
        fresh = self.path / f"{name}.new"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, SECRET_MODE), "w") as file:
            json.dump(content, file)
        fresh.replace(self.path / name)


def folders(machines: Path) -> list[Folder]:
    """The folders of all machines, by name."""
    try:
        names = sorted(entry.name for entry in machines.iterdir() if not entry.name.startswith("."))
    except FileNotFoundError:
        return []
    return [folder for folder in (Folder(machines, name) for name in names) if folder.exists]
