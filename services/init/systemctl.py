"""`systemctl`, `service` and `journalctl`, as user data uses them: services started, stopped, enabled and asked for."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from services.init import keeper
from services.init.units import LOGS, WANTS, NoUnit, find, load, unit_name

ROOT = Path("/")
SETTLING = 0.2
"""Seconds after which a service that was started and has not ended counts as running."""
INACTIVE, UNKNOWN = 3, 4
"""Exit codes of `systemctl is-active` and `status` (LSB)."""


def start(root: Path, name: str) -> int:
    """0 when it runs, or has done what it does once."""
    if keeper.pid_of(root, name) is not None:
        return 0
    unit = load(root, name)
    keeper.start(root, unit)
    deadline = time.monotonic() + SETTLING
    while unit.once or time.monotonic() < deadline:
        code = keeper.result(root, name)
        if code is not None:
            break
        time.sleep(0.01)
    else:
        return 0
    if code:
        print(f"Job for {name}.service failed. See 'journalctl -u {name}'.", file=sys.stderr)
    return int(code != 0)


def stop(root: Path, name: str) -> int:
    find(root, name)
    pid = keeper.pid_of(root, name)
    if pid is None:
        return 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + keeper.GRACE + 1
    while keeper.pid_of(root, name) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return 0


def restart(root: Path, name: str) -> int:
    stop(root, name)
    return start(root, name)


def enable(root: Path, name: str) -> int:
    link = root / WANTS / f"{name}.service"
    target = find(root, name)
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to("/" + str(target.relative_to(root)))
        print(f"Created symlink {link} → {target}.", file=sys.stderr)
    return 0


def disable(root: Path, name: str) -> int:
    find(root, name)
    (root / WANTS / f"{name}.service").unlink(missing_ok=True)
    return 0


def enabled(root: Path) -> list[str]:
    """The services that start at boot."""
    folder = root / WANTS
    return sorted(path.name.removesuffix(".service") for path in folder.glob("*.service")) if folder.is_dir() else []


def state(root: Path, name: str) -> str:
    """active, inactive or failed."""
    if keeper.pid_of(root, name) is not None:
        return "active"
    return "failed" if keeper.result(root, name) else "inactive"


def is_active(root: Path, name: str) -> int:
    found = state(root, name)
    print(found)
    return 0 if found == "active" else INACTIVE


def is_enabled(root: Path, name: str) -> int:
    find(root, name)
    found = name in enabled(root)
    print("enabled" if found else "disabled")
    return 0 if found else 1


def status(root: Path, name: str) -> int:
    path, unit, found = find(root, name), load(root, name), state(root, name)
    print(f"{'●' if found == 'active' else '○'} {name}.service - {unit.description}")
    print(f"     Loaded: loaded ({path}; {'enabled' if name in enabled(root) else 'disabled'})")
    print(f"     Active: {found}")
    print(log(root, name, 10), end="")
    return 0 if found == "active" else INACTIVE


def log(root: Path, name: str, lines: int) -> str:
    try:
        text = (root / LOGS / f"{name}.log").read_text(errors="replace")
    except OSError:
        return ""
    return "".join(text.splitlines(keepends=True)[-lines:])


VERBS: dict[str, Callable[[Path, str], int]] = {
    "start": start, "stop": stop, "restart": restart, "reload": restart, "try-restart": restart,
    "reload-or-restart": restart, "enable": enable, "disable": disable, "is-active": is_active, "is-enabled": is_enabled,
    "status": status,
}  # fmt: skip


def systemctl(arguments: Sequence[str], root: Path = ROOT) -> int:
    options = [word for word in arguments if word.startswith("-")]
    verb, *names = [word for word in arguments if not word.startswith("-")] or [""]
    if verb in ("daemon-reload", "daemon-reexec", "reset-failed"):
        return 0
    if verb not in VERBS or not names:
        print(f"systemctl: this AMI knows {', '.join(VERBS)} and daemon-reload, of a service", file=sys.stderr)
        return 1
    verbs = [verb, *(["start"] if verb == "enable" and "--now" in options else [])]
    verbs += ["stop"] if verb == "disable" and "--now" in options else []
    return _each([(VERBS[one], unit_name(name)) for name in names for one in verbs], root)


def service(arguments: Sequence[str], root: Path = ROOT) -> int:
    """`service NAME VERB`"""
    name, verb = [*arguments, "", ""][:2]
    return systemctl([verb, name] if name else [], root)


def journalctl(arguments: Sequence[str], root: Path = ROOT) -> int:
    """`journalctl -u NAME`: what it wrote."""
    words = [word.removeprefix("--unit=").removeprefix("-u") for word in arguments]
    for name in filter(None, words):
        if not name.startswith("-") and not name.isdecimal():
            print(log(root, unit_name(name), 1000), end="")
            return 0
    print("journalctl: this AMI keeps the output of services only: journalctl -u NAME", file=sys.stderr)
    return 1


def _each(steps: Sequence[tuple[Callable[[Path, str], int], str]], root: Path) -> int:
    worst = 0
    for step, name in steps:
        try:
            worst = max(worst, step(root, name))
        except NoUnit as error:
            print(error, file=sys.stderr)
            worst = max(worst, UNKNOWN)
    return worst
