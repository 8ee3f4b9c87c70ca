"""A #cloud-config document as values: the keys that are carried out here, checked. Pure.

Source: cloud-init's module reference (write_files, bootcmd, runcmd, packages, ssh_authorized_keys, ssh_import_id is not).
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.init.write_files import BadUserData, WriteFile, entries_of, mapping_of, parse_entry

KEYS = ("write_files", "bootcmd", "runcmd", "packages", "package_update", "package_upgrade", "ssh_authorized_keys")


@dataclass(frozen=True, slots=True)
class CloudConfig:
    """`bootcmd` and `runcmd` are lines of shell. `problems` are sentences about what is left out."""

    files: tuple[WriteFile, ...] = ()
    bootcmd: tuple[str, ...] = ()
    runcmd: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    authorized_keys: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())


def parse(text: str) -> CloudConfig:
    """Never raises: what is wrong with one key does not cost the others."""
    problems: list[str] = []
    try:
        document = mapping_of(text)
    except BadUserData as error:
        return CloudConfig(problems=(f"#cloud-config: {error}",))
    problems += [f"#cloud-config: {key} is not carried out here" for key in document if key not in KEYS]
    return CloudConfig(
        files=tuple(_files(document, problems)),
        bootcmd=_commands(document, "bootcmd", problems),
        runcmd=_commands(document, "runcmd", problems),
        packages=_words(document, "packages", problems),
        authorized_keys=_words(document, "ssh_authorized_keys", problems),
        problems=tuple(problems),
    )


def _files(document: dict[str, Any], problems: list[str]) -> list[WriteFile]:
    found = []
    try:
        entries = entries_of(document)
    except BadUserData as error:
        problems.append(f"#cloud-config: {error}")
        return []
    for entry in entries:
        try:
            found.append(parse_entry(entry))
        except BadUserData as error:
            problems.append(f"write_files: {error}")
    return found


def _commands(document: Mapping[str, Any], key: str, problems: list[str]) -> tuple[str, ...]:
    """A command is a line for the shell, or a list of words that the shell leaves alone."""
    found = []
    for command in _list(document, key, problems):
        if isinstance(command, str):
            found.append(command)
        elif isinstance(command, list) and command:
            found.append(shlex.join(str(word) for word in command))
        else:
            problems.append(f"{key}: {command!r} is neither a line nor a list of words")
    return tuple(found)


def _words(document: Mapping[str, Any], key: str, problems: list[str]) -> tuple[str, ...]:
    found = []
    for given in _list(document, key, problems):
        word = given[0] if isinstance(given, list) and given else given  # a package with its version
        if isinstance(word, str) and word.strip():
            found.append(word.strip())
        else:
            problems.append(f"{key}: {word!r} is no text")
    return tuple(found)


def _list(document: Mapping[str, Any], key: str, problems: list[str]) -> list[Any]:
    value = document.get(key) or []
    if not isinstance(value, list):
        problems.append(f"#cloud-config: {key} is not a list")
        return []
    return value
