"""Child processes that are always stopped, and programs that may be missing."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.machine import pinned

_STOP_SECONDS = 5.0
_START_SECONDS = 15.0


class BenchError(Exception):
    """The measurement cannot go on; the text says why."""


class UnavailableError(BenchError):
    """This machine lacks what the measurement needs."""


def program(name: str, install: str, *directories: Path) -> str:
    """Where it is: in one of `directories`, or on the path. Raises UnavailableError that tells how to `install` it."""
    path = os.pathsep.join((*map(str, directories), os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"))
    found = shutil.which(name, path=path)
    if found is None:
        raise UnavailableError(f"not installed: {name} ({install})")
    return found


def free_ports(count: int) -> list[int]:
    """Different ports of 127.0.0.1 that are free now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    core: int | None,
    log: Path,
    ready: Callable[[], bool],
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """The pid, once `ready()` is true. Its output goes to `log`; the end of it is shown when it does not start."""
    with log.open("ab") as output, pinned(core):
        # In a session of its own, so that Ctrl-C in a terminal reaches us alone, and we stop all of it in order.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=None if environment is None else {**os.environ, **environment},
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"{name} did not start: {_last_lines(log)}")
            time.sleep(0.02)
        yield process.pid
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that leads a session, and all that it started."""
    try:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
    finally:  # also when it is interrupted meanwhile
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def accepts(port: int) -> bool:
    """Whether something listens there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0):
            return True
    except OSError:
        return False


def _last_lines(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").strip().splitlines()[-5:]) or "it said nothing"
