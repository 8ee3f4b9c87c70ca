"""`python -m services.init.keeper NAME`: runs one unit, and starts it again as the unit says, for as long as it is to run.

In `run/units`, NAME.pid is there while the keeper is, and NAME.result has the unit's last exit code. What the unit writes goes
to `var/log/units/NAME.log`.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from services.init.units import LOGS, RUNNING, NoUnit, Unit, load

BURST, WITHIN = 5, 10.0
"""Starts in so many seconds, after which a unit that keeps ending is left alone (systemd's StartLimit…)."""
GRACE = 10.0
"""Seconds a unit has to end after SIGTERM."""
CANNOT_RUN = 203
"""systemd's code for a program that could not be run."""


class Stopped(BaseException):
    """SIGTERM came: the unit is not to run any more."""


def keep(root: Path, unit: Unit) -> int:
    """Run the unit until it has ended for good, and give its exit code."""
    starts: list[float] = []
    while True:
        starts.append(time.monotonic())
        code = _run(root, unit)
        _note(root, unit.name, code)
        if unit.once or not unit.starts_again(code):
            return code
        recent = [at for at in starts if at > starts[-1] - WITHIN]
        if len(recent) >= BURST:
            print(f"{unit.name}.service: start request repeated too quickly, left alone", flush=True)
            return code
        time.sleep(unit.restart_seconds)


def _run(root: Path, unit: Unit) -> int:
    """Its commands one after the other; the first that fails is the last."""
    environment = {**os.environ, **_from_files(root, unit), **dict(unit.environment)}
    for command in (*unit.before, *unit.start):
        forgiven = command[0] == "-"
        code = _command(command[1:] if forgiven else command, unit.directory, environment)
        if code != 0 and not forgiven:
            return code
    return 0


def _command(command: Sequence[str], directory: str, environment: dict[str, str]) -> int:
    words = [_expanded(word, environment) for word in command]
    try:
        process = subprocess.Popen(words, cwd=directory, env=environment, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"{words[0]} cannot be run: {error.strerror}", flush=True)
        return CANNOT_RUN
    try:
        return process.wait()
    except Stopped:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        process.kill()
        process.wait()
        raise


def _expanded(word: str, environment: dict[str, str]) -> str:
    """$NAME and ${NAME} of the unit's environment."""
    for name in sorted(environment, key=len, reverse=True):
        word = word.replace("${" + name + "}", environment[name]).replace("$" + name, environment[name])
    return word


def _from_files(root: Path, unit: Unit) -> dict[str, str]:
    """A file that begins with - may be missing."""
    found: dict[str, str] = {}
    for name in unit.environment_files:
        path = root / name.removeprefix("-").lstrip("/")
        if name.startswith("-") and not path.exists():
            continue
        for line in path.read_text().splitlines():
            key, equals, value = line.strip().partition("=")
            if equals and not key.startswith(("#", ";")):
                found[key.strip()] = value.strip().strip("\"'")
    return found


def _note(root: Path, name: str, code: int) -> None:
    (root / RUNNING / f"{name}.result").write_text(str(code))


def result(root: Path, name: str) -> int | None:
    """The last exit code of a unit since it was started; None when it has not ended."""
    try:
        return int((root / RUNNING / f"{name}.result").read_text())
    except (OSError, ValueError):
        return None


def pid_of(root: Path, name: str) -> int | None:
    """The keeper's process id, None when none runs."""
    try:
        pid = int((root / RUNNING / f"{name}.pid").read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


def start(root: Path, unit: Unit) -> None:
    """A keeper of the unit, as a process that is nobody's child: it outlives whoever started it."""
    for folder in (RUNNING, LOGS):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / RUNNING / f"{unit.name}.result").unlink(missing_ok=True)
    with (root / LOGS / f"{unit.name}.log").open("ab") as log:
        started = subprocess.run(
            [sys.executable, "-c", _START, sys.executable, "-c", _KEEPER, unit.name, str(root), *sys.path],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, cwd="/", check=True,
        )  # fmt: skip
    (root / RUNNING / f"{unit.name}.pid").write_text(started.stdout)


_START = """
import subprocess, sys
print(subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True).pid)
"""
_KEEPER = "import sys; sys.path[:] = sys.argv[3:]; from services.init.keeper import main; main()"
"""Found where we were found, whatever the current directory and the environment are."""


def main() -> None:
    def stopped(number: int, frame: FrameType | None) -> None:
        raise Stopped

    name, root = sys.argv[1], Path(sys.argv[2])
    signal.signal(signal.SIGTERM, stopped)
    try:
        code = keep(root, load(root, name))
    except Stopped:
        _note(root, name, 0)
        code = 0
    except (NoUnit, OSError) as error:
        print(error, flush=True)
        _note(root, name, CANNOT_RUN)
        code = CANNOT_RUN
    finally:
        (root / RUNNING / f"{name}.pid").unlink(missing_ok=True)
    sys.exit(code)
