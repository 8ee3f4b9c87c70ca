"""Services as systemd has them: unit files read, and where they are. Of a unit's keys, those below count (systemd.service(5)).

A unit is found in `etc/systemd/system` before `usr/lib/systemd/system`, and is enabled by a link in `multi-user.target.wants`.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
WANTS = "etc/systemd/system/multi-user.target.wants"
RUNNING = "run/units"
"""Where a unit's keeper notes its process id, and how the unit ended."""
LOGS = "var/log/units"
ALIASES = {"apache2": "httpd", "sshd": "ssh"}
DEFAULT_RESTART_SECONDS = 0.1
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0}


class NoUnit(Exception):  # noqa: N818 - the name says what is the case
    """There is no such unit, or it cannot be run."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Commands are as the shell would split them, without its other powers; a leading `-` is kept: its failure does not count.
    `restart` is systemd's word."""

    name: str
    description: str
    start: tuple[tuple[str, ...], ...]
    before: tuple[tuple[str, ...], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    environment_files: tuple[str, ...] = ()
    directory: str = "/"
    once: bool = False
    restart: str = "no"
    restart_seconds: float = DEFAULT_RESTART_SECONDS

    def starts_again(self, code: int) -> bool:
        """Whether it is started again after it ended with `code`, which is negative for a signal."""
        return self.restart == "always" or (self.restart in ("on-failure", "on-abnormal") and code != 0)


def unit_name(given: str) -> str:
    """`httpd` of httpd, httpd.service and apache2."""
    plain = given.removesuffix(".service")
    return ALIASES.get(plain, plain)


def find(root: Path, name: str) -> Path:
    """The unit's file. Raises NoUnit."""
    for folder in FOLDERS:
        path = root / folder / f"{name}.service"
        if path.is_file():
            return path
    raise NoUnit(f"Unit {name}.service could not be found.")


def load(root: Path, name: str) -> Unit:
    """Raises NoUnit."""
    return parse(name, find(root, name).read_text(errors="replace"))


def parse(name: str, text: str) -> Unit:
    """Raises NoUnit when there is nothing to start, or a line cannot be split."""
    values = _values(text)

    def last(key: str, otherwise: str) -> str:
        return values.get(key, [otherwise])[-1] or otherwise

    try:
        start = tuple(_command(line) for line in values.get("ExecStart", []) if line)
        if not start:
            raise NoUnit(f"{name}.service has no ExecStart")
        pairs = [word.partition("=") for line in values.get("Environment", []) for word in shlex.split(line)]
        return Unit(
            name=name,
            description=last("Description", name),
            start=start,
            before=tuple(_command(line) for line in values.get("ExecStartPre", []) if line),
            environment=tuple((key, value) for key, _, value in pairs),
            environment_files=tuple(line for line in values.get("EnvironmentFile", []) if line),
            directory=last("WorkingDirectory", "/"),
            once=last("Type", "simple") in ("oneshot", "forking"),
            restart=last("Restart", "no"),
            restart_seconds=_seconds(last("RestartSec", "")),
        )
    except ValueError as error:
        raise NoUnit(f"{name}.service cannot be read: {error}") from error


def _values(text: str) -> dict[str, list[str]]:
    """Key → its values in order; an empty value takes those before it back, as systemd's lists do."""
    found: dict[str, list[str]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith(("#", ";", "[")):
            kept = found.setdefault(key.strip(), [])
            if value.strip():
                kept.append(value.strip())
            else:
                kept.clear()
    return {key: values for key, values in found.items() if values}


def _command(line: str) -> tuple[str, ...]:
    words = shlex.split(line)
    prefix, words[0] = words[0][: len(words[0]) - len(words[0].lstrip("@+!:-"))], words[0].lstrip("@+!:-")
    return ("-", *words) if "-" in prefix else tuple(words)


def _seconds(text: str) -> float:
    """`5`, `500ms`, `1min`; systemd's default for nothing."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    if not number:
        return DEFAULT_RESTART_SECONDS
    unit = text[len(number) :].strip()
    if unit not in ("", *_UNITS):
        raise ValueError(f"RestartSec={text}")
    return float(number) * _UNITS.get(unit, 1.0)
