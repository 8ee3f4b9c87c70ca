"""The console: what boot says, and what user data writes, to standard output and to the log that cloud-init keeps."""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

LOG = "var/log/cloud-init-output.log"
NOT_FOUND, NOT_EXECUTABLE = 127, 126


class Console:
    """A pipe whose other end is copied on. Not closed with a script, for what a script leaves running may still write."""

    def __init__(self, root: Path, out: int = 1) -> None:
        path = root / LOG
        path.parent.mkdir(parents=True, exist_ok=True)
        self._log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        self._out = out
        source, self._pipe = os.pipe()
        threading.Thread(target=self._copy, args=(source,), daemon=True, name="console").start()

    def say(self, text: str) -> None:
        os.write(self._pipe, f"{text}\n".encode())

    def run(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> int:
        """Run it to its end, its output on the console; its exit code as a shell gives it."""
        try:
            return subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=self._pipe, stderr=self._pipe, env=environment, cwd="/", check=False
            ).returncode  # fmt: skip
        except FileNotFoundError as error:
            self.say(f"{command[0]}: {error.strerror}")
            return NOT_FOUND
        except OSError as error:
            self.say(f"{command[0]}: {error.strerror}")
            return NOT_EXECUTABLE

    def _copy(self, source: int) -> None:
        while data := os.read(source, 65536):
            for target in (self._out, self._log):
                view = memoryview(data)
                while view:
                    view = view[os.write(target, view) :]
