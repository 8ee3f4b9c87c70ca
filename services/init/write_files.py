"""cloud-init's `write_files`: entries checked, files written below a root folder that stands for the machine's `/`.

Nothing here can write outside of it: paths are taken as absolute, `..` stops at the root, and a symbolic link that leads out
is refused.
"""

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_MODE = 0o644


class BadUserData(Exception):  # noqa: N818 - the name says what is the case
    """The user data, or one entry of it, cannot be carried out. The machine boots all the same, as on EC2."""


@dataclass(frozen=True, slots=True)
class WriteFile:
    """`path` is relative to the root and has no `..` in it."""

    path: str
    content: bytes
    mode: int = DEFAULT_MODE
    append: bool = False


def mapping_of(cloud_config: str) -> dict[str, Any]:
    """A #cloud-config document, empty when there is nothing in it. Raises BadUserData when it is none."""
    import yaml  # here: most boots of a bare instance need no YAML, and it costs 20 ms

    try:
        document = yaml.safe_load(cloud_config)
    except yaml.YAMLError as error:
        raise BadUserData(f"not YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise BadUserData("#cloud-config is not a mapping")
    return document


def entries_of(document: dict[str, Any]) -> list[Any]:
    """The entries of `write_files`, unchecked. Raises BadUserData when it is no list."""
    entries = document.get("write_files") or []
    if not isinstance(entries, list):
        raise BadUserData("write_files is not a list")
    return entries


def parse_entry(entry: object) -> WriteFile:
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        raise BadUserData(f"an entry without a path: {entry!r:.80}")
    path = os.path.normpath("/" + entry["path"]).lstrip("/")
    if not path or "\0" in path:
        raise BadUserData(f"not a file's path: {entry['path']!r}")
    return WriteFile(
        path=path,
        content=_content(path, entry.get("content", ""), entry.get("encoding")),
        mode=_mode(path, entry.get("permissions")),
        append=entry.get("append") is True,
    )


def _content(path: str, content: object, encoding: object) -> bytes:
    if not isinstance(content, str | bytes):
        raise BadUserData(f"{path}: content is not text")
    raw = content.encode() if isinstance(content, str) else content
    if encoding in (None, "text", "text/plain"):
        return raw
    if encoding not in ("b64", "base64"):
        raise BadUserData(f"{path}: encoding {encoding!r} is not known here (b64, base64 and text are)")
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except binascii.Error as error:
        raise BadUserData(f"{path}: content is not base64: {error}") from error


def _mode(path: str, permissions: object) -> int:
    """A string is octal ('0600'); a number is what YAML made of an unquoted 0600, already converted."""
    if permissions is None:
        return DEFAULT_MODE
    try:
        mode = int(permissions, 8) if isinstance(permissions, str) else permissions
    except ValueError:
        mode = None
    if not isinstance(mode, int) or not 0 <= mode <= 0o7777:
        raise BadUserData(f"{path}: permissions {permissions!r} are not octal digits such as '0644'")
    return mode


def write(file: WriteFile, root: Path) -> None:
    """Raises BadUserData when a link leads out of the root, OSError when the disk says no."""
    root = root.resolve()
    target = (root / file.path).resolve()
    if not target.is_relative_to(root):
        raise BadUserData(f"{file.path}: a link leads out of {root}")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not file.append:
        target.unlink(missing_ok=True)  # a second boot meets its own file, which may be read-only
    # Private until it is complete, so that a secret is at no time readable by more than it should be.
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as stream:
        stream.write(file.content)
    target.chmod(file.mode)
