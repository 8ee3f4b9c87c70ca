"""What the process adapter is told."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

POSTGRES = "postgres"
"""The alias of the image that is built in: an embedded PostgreSQL server."""

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "SYSTEMROOT")
"""What a machine gets of the control plane's own environment; nothing else, for that may hold the user's secrets."""


def _commands() -> Mapping[str, Sequence[str]]:
    return {"app": [sys.executable, "-m", "services.app"], "lb": [sys.executable, "-m", "services.lb"]}


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """`state_dir` is the lab's own folder: two labs have two. `commands` maps the aliases of `MachineSpec.image` to argv.

    `ports` are what unpublished ports are taken from: below the ranges that Linux (32768) and macOS (49152) take the ports
    of outgoing connections from, so that a stopped machine's port is still free when it comes back.
    `environ` is the control plane's environment; `wall` gives wall time in seconds, for the reading time of CPU samples.
    """

    state_dir: Path
    commands: Mapping[str, Sequence[str]] = field(default_factory=_commands)
    ports: range = range(20000, 32000)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    wall: Callable[[], float] = time.time
