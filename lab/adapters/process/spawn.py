"""Start a process that outlives us and notes down itself who it is.

If we noted the pid of what we started, a crash in between would lose a running machine. So the first thing in the new
process is a shell that writes its own pid and start into the machine's `leader` file, its standard input, and then becomes
the program: same pid, same start. No pipe ties it to us and its session is its own, so our end is not its end.
"""

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.adapters.process.folder import Folder
from lab.adapters.process.processes import Leader
from lab.core.errors import Refused, Unavailable

_NOTE_AND_BECOME = """
if [ -r /proc/$$/stat ]
then read -r boot </proc/sys/kernel/random/boot_id; read -r self </proc/$$/stat
else boot=-; self=$(LC_ALL=C ps -o lstart= -p $$)
fi
echo "$$ $boot $self" >&0
exec "$@" </dev/null
"""
STARTING, PAUSE = 10.0, 0.005  # seconds the shell may take, and between looks


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `user` is the keyword arguments of `Popen` that make it run as somebody else."""

    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    user: Mapping[str, Any]


def spawn(folder: Folder, program: Program) -> Leader:
    """Start the program as the machine of `folder`; it runs when this returns, or has failed in its own way already."""
    folder.ready_to_start()
    try:
        with folder.log.open("ab") as log, (folder.path / "leader").open("wb") as note:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _NOTE_AND_BECOME, "sh", *program.command],
                stdin=note,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(program.environment),
                cwd=program.directory,
                start_new_session=True,
                **program.user,
            )
    except OSError as error:
        raise Refused(f"{folder.id} cannot be started: {error}") from error
    # The object would warn of a running child when it is collected. Waiting is done by pid (`processes.reap`), for a
    # machine we adopted has no such object either.
    process.returncode = 0
    for _ in range(int(STARTING / PAUSE)):
        leader = folder.leader()
        if leader is not None:
            return leader
        time.sleep(PAUSE)
    raise Unavailable(f"{folder.id} did not start within {STARTING:.0f} s")
