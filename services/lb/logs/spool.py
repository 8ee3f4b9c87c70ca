"""Log files of a node on disk, from their first line until they have been delivered.

    open/BUCKET/KEY     lines, plain, as they come; locked by the process that writes it
    closed/BUCKET/KEY   the same, whole and synced: the file was renamed
    packing/BUCKET/KEY  being compressed
    ready/BUCKET/KEY    compressed, whole and synced: waits to be delivered

Every step ends in a rename, so a file in `closed` or `ready` is whole, and a step that a crash interrupted is taken again: it
makes the same file with the same name. Several processes may write to one spool; one takes files out of it (`pack`, `ready`,
`remove`). Lines are compressed at the end and not on their way in: the process that serves requests has other things to do,
and what a crash leaves in `open` needs nothing but to be cut after its last whole line.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

try:
    from isal import isal_zlib as zlib

    PACKS_FAST = True
except ImportError:
    import zlib  # type: ignore[no-redef]  # what the other one stands in for

    PACKS_FAST = False

FILE_BYTES = 15 * 1024 * 1024
"""A file that reaches this is closed early; compressed it is never larger."""
SPOOL_BYTES = 256 * 1024 * 1024
"""What may wait for delivery: with more, no new file is opened."""
_LEVEL = 1
"""zlib's takes half the time of its level 6 for a file a fifth larger (7.4 to 1 against 9 to 1 on ALB's lines). ISA-L's levels
are its own: this one packs no worse, in a fifth of the time."""
_PIECE = 256 * 1024
_TRIES = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finished:
    """A file to deliver."""

    bucket: str
    key: str
    path: Path


class Full(Exception):  # noqa: N818 - the name says what is the case
    """The spool holds all it may."""


class OpenFile:
    """A file that takes lines. Made by `Spool.open`."""

    def __init__(self, path: Path, final: Path, descriptor: int) -> None:
        self._path = path
        self._final = final
        self._descriptor = descriptor
        self.size = 0

    def write(self, lines: bytes) -> None:
        """All of it or nothing. Raises OSError."""
        view = memoryview(lines)
        try:
            while view:
                taken = os.write(self._descriptor, view)
                view = view[taken:]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
                os.lseek(self._descriptor, self.size, os.SEEK_SET)
            raise
        self.size += len(lines)

    def close(self) -> None:
        """Publish it. Raises OSError; what there is stays in `open`, for `Spool.salvage`."""
        try:
            os.fsync(self._descriptor)
            _move(self._path, self._final)
        finally:
            os.close(self._descriptor)


class Spool:
    """`directory` is made when it is needed; `limit` is what may wait in it, in bytes."""

    def __init__(self, directory: Path, limit: int = SPOOL_BYTES) -> None:
        self._limit = limit
        self._open = directory / "open"
        self._closed = directory / "closed"
        self._packing = directory / "packing"
        self._ready = directory / "ready"

    def open(self, bucket: str, key: str) -> OpenFile:
        """Raises ValueError for a bucket or key that is no path below the spool, Full, or OSError."""
        place = _place(bucket, key)
        if self.waiting() >= self._limit:
            raise Full(f"{self._limit} bytes of log files wait for delivery")
        path = self._open / place
        while True:
            descriptor = _in_folder(path, lambda: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return OpenFile(path, self._closed / place, descriptor)
            os.close(descriptor)  # salvaged, being empty, between the two calls

    def waiting(self) -> int:
        """Bytes of files that were finished and not yet delivered."""
        total = 0
        for path in (*_files(self._closed), *_files(self._ready)):
            with contextlib.suppress(FileNotFoundError):  # delivered meanwhile
                total += path.stat().st_size
        return total

    def salvage(self) -> int:
        """Publish what processes that are gone left open, less a last line that is not whole. How many files."""
        found = 0
        for path in _files(self._open):
            with contextlib.suppress(OSError):  # locked: it is being written
                descriptor = os.open(path, os.O_RDWR)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    size = _whole_lines(descriptor)
                    if size:
                        os.ftruncate(descriptor, size)
                        os.fsync(descriptor)
                        _move(path, self._closed / path.relative_to(self._open))
                        found += 1
                    else:
                        path.unlink()
                finally:
                    os.close(descriptor)
        _tidy(self._open)
        return found

    def pack(self) -> int:
        """Compress what is closed. How many files. Raises OSError when the disk is full; a next time goes on."""
        found = 0
        for path in _files(self._closed):
            place = path.relative_to(self._closed)
            temporary = self._packing / place
            temporary.parent.mkdir(parents=True, exist_ok=True)
            try:
                _compress(path, temporary)
            except OSError:
                temporary.unlink(missing_ok=True)  # half a file helps nobody, its room may
                raise
            _move(temporary, self._ready / place)
            path.unlink()
            found += 1
        _tidy(self._closed)
        _tidy(self._packing)
        return found

    def ready(self) -> list[Finished]:
        """In the order of their names, which within a log is that of their times."""
        found = []
        for path in _files(self._ready):
            bucket, _, key = path.relative_to(self._ready).as_posix().partition("/")
            found.append(Finished(bucket, key, path))
        return found

    def remove(self, finished: Finished) -> None:
        finished.path.unlink(missing_ok=True)
        _tidy(self._ready)


def _place(bucket: str, key: str) -> Path:
    parts = (bucket, *key.split("/"))
    if "/" in bucket or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise ValueError(f"{bucket!r} and {key!r} do not name a log file")
    return Path(*parts)


def _files(root: Path) -> list[Path]:
    """Every file below, in the order of their names."""
    return sorted(Path(folder) / name for folder, _, names in os.walk(root) for name in names)


def _tidy(root: Path) -> None:
    """Remove empty folders below `root`."""
    for folder, _, _ in os.walk(root, topdown=False):
        if Path(folder) != root:
            with contextlib.suppress(OSError):
                Path(folder).rmdir()


def _in_folder(path: Path, act: Callable[[], T]) -> T:
    """Make the folder of `path`, then `act`. Another process may tidy an empty folder away in between: then once more."""
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError):
            path.parent.mkdir(parents=True, exist_ok=True)
            return act()
    return act()


def _move(path: Path, final: Path) -> None:
    _in_folder(final, lambda: path.rename(final))


def _whole_lines(descriptor: int) -> int:
    """The size of a file up to the end of its last whole line."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - _PIECE)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _compress(source: Path, target: Path) -> None:
    with target.open("wb") as packed:
        for piece in _gzip(source):
            packed.write(piece)
        packed.flush()
        os.fsync(packed.fileno())


def _gzip(source: Path) -> Iterator[bytes]:
    """One gzip member; the compressor lets other threads run meanwhile."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31, 9)
    with source.open("rb") as file:
        while piece := file.read(_PIECE):
            yield packer.compress(piece)
    yield packer.flush()
