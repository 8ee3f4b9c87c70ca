"""Buckets as folders: BUCKET/KEY is a file with the object's content, for anybody to read.

Objects are written whole and renamed. Keys that are no path below the bucket's folder are refused: S3 would take them, and
also both `a` and `a/b`, of which a file system keeps one. What else is known of a bucket lies in folders that begin with a
dot, as no bucket can be called.
"""

import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.core.buckets import KEY_BYTES, StoredObject, check_bucket_name
from lab.core.errors import LabError, Unavailable

_MADE = ".made"
_POLICIES = ".policies"
_WRITING = ".writing"
_SEGMENT_BYTES = 255
_REMEMBERED = 100_000


class FileBuckets:
    """`root` is made when the first bucket is."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._etags: dict[Path, tuple[int, int, str]] = {}
        self._count = 0
        self._lock = threading.Lock()

    def buckets(self) -> list[str]:
        if not self._root.is_dir():
            return []
        return sorted(path.name for path in self._root.iterdir() if path.is_dir() and not path.name.startswith("."))

    def created(self, bucket: str) -> float:
        folder, marker = self._folder(bucket), self._root / _MADE / bucket
        return (marker if marker.exists() else folder).stat().st_mtime  # a folder made by hand is a bucket too

    def create(self, bucket: str) -> None:
        check_bucket_name(bucket)
        with self._lock, _disk():
            if not (self._root / bucket).exists():
                (self._root / _MADE).mkdir(parents=True, exist_ok=True)
                (self._root / _MADE / bucket).touch()
                (self._root / bucket).mkdir()

    def remove(self, bucket: str) -> None:
        folder = self._folder(bucket)
        with self._lock, _disk():
            if self.keys(bucket):
                raise bucket_not_empty()
            shutil.rmtree(folder)
            self._policy_file(bucket).unlink(missing_ok=True)
            (self._root / _MADE / bucket).unlink(missing_ok=True)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        if bucket not in self.buckets():
            return []
        root = self._root / bucket
        found = (Path(folder) / name for folder, _, names in os.walk(root) for name in names)
        return [key for path in found if (key := path.relative_to(root).as_posix()).startswith(prefix)]

    def find(self, bucket: str, key: str) -> StoredObject | None:
        path = self._path(bucket, key)
        if path is None:
            return None
        with contextlib.suppress(OSError):
            known = path.stat()
            return StoredObject(key, known.st_size, known.st_mtime, self._etag(path, known))
        return None

    def get(self, bucket: str, key: str) -> bytes | None:
        path = self._path(bucket, key)
        if path is None:
            return None
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def put(self, bucket: str, key: str, data: bytes) -> None:
        folder = self._folder(bucket)
        path = folder / check_key(key)
        found = next(part for part in (path, *path.parents) if part.exists())
        if found.is_dir() if found == path else not found.is_dir():
            raise cannot_stand_beside(key, found.relative_to(folder).as_posix())
        with self._lock, _disk():
            self._count += 1
            temporary = self._root / _WRITING / f"{os.getpid()}-{self._count}"
            temporary.parent.mkdir(parents=True, exist_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(data)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)

    def delete(self, bucket: str, key: str) -> None:
        path = self._path(bucket, key)
        if path is None:
            return
        with self._lock, _disk():
            path.unlink(missing_ok=True)
            _tidy(path.parent, self._root / bucket)

    def policy(self, bucket: str) -> str | None:
        self._folder(bucket)
        file = self._policy_file(bucket)
        return file.read_text() if file.exists() else None

    def put_policy(self, bucket: str, policy: str | None) -> None:
        self._folder(bucket)
        file = self._policy_file(bucket)
        with self._lock, _disk():
            if policy is None:
                file.unlink(missing_ok=True)
                return
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(policy)

    def _folder(self, bucket: str) -> Path:
        if bucket not in self.buckets():
            raise no_such_bucket()
        return self._root / bucket

    def _path(self, bucket: str, key: str) -> Path | None:
        """The file, if there is one."""
        if bucket not in self.buckets():
            return None
        try:
            path = self._root / bucket / check_key(key)
        except LabError:
            return None
        return path if path.is_file() else None

    def _policy_file(self, bucket: str) -> Path:
        return self._root / _POLICIES / f"{bucket}.json"

    def _etag(self, path: Path, known: os.stat_result) -> str:
        """Read once for each content."""
        remembered = self._etags.get(path)
        if remembered is not None and remembered[:2] == (known.st_mtime_ns, known.st_ino):
            return remembered[2]
        etag = md5(path.read_bytes())
        if len(self._etags) >= _REMEMBERED:
            self._etags.clear()
        self._etags[path] = (known.st_mtime_ns, known.st_ino, etag)
        return etag


@dataclass(slots=True)
class _Bucket:
    created: float
    objects: dict[str, tuple[bytes, float]]
    policy: str | None = None


class MemoryBuckets:
    """For tests and simulations. `now` is what objects are stamped with."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    def buckets(self) -> list[str]:
        return sorted(self._buckets)

    def created(self, bucket: str) -> float:
        return self._bucket(bucket).created

    def create(self, bucket: str) -> None:
        check_bucket_name(bucket)
        self._buckets.setdefault(bucket, _Bucket(self._now(), {}))

    def remove(self, bucket: str) -> None:
        if self._bucket(bucket).objects:
            raise bucket_not_empty()
        del self._buckets[bucket]

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        known = self._buckets.get(bucket)
        return [] if known is None else [key for key in known.objects if key.startswith(prefix)]

    def find(self, bucket: str, key: str) -> StoredObject | None:
        found = self._buckets[bucket].objects.get(key) if bucket in self._buckets else None
        return None if found is None else StoredObject(key, len(found[0]), found[1], md5(found[0]))

    def get(self, bucket: str, key: str) -> bytes | None:
        found = self._buckets[bucket].objects.get(key) if bucket in self._buckets else None
        return None if found is None else found[0]

    def put(self, bucket: str, key: str, data: bytes) -> None:
        objects = self._bucket(bucket).objects
        check_key(key)
        for other in objects:
            if other.startswith(f"{key}/") or key.startswith(f"{other}/"):
                raise cannot_stand_beside(key, other)
        objects[key] = (data, self._now())

    def delete(self, bucket: str, key: str) -> None:
        if bucket in self._buckets:
            self._buckets[bucket].objects.pop(key, None)

    def policy(self, bucket: str) -> str | None:
        return self._bucket(bucket).policy

    def put_policy(self, bucket: str, policy: str | None) -> None:
        self._bucket(bucket).policy = policy

    def _bucket(self, bucket: str) -> _Bucket:
        if bucket not in self._buckets:
            raise no_such_bucket()
        return self._buckets[bucket]


def check_key(key: str) -> str:
    """The key, if it is a path below a folder. Raises KeyTooLongError or InvalidArgument."""
    if len(key.encode()) > KEY_BYTES:
        raise LabError("KeyTooLongError", "Your key is too long")
    parts = key.split("/")
    if any(part in ("", ".", "..") or len(part.encode()) > _SEGMENT_BYTES or "\0" in part for part in parts):
        raise LabError(
            "InvalidArgument",
            f"the lab keeps objects as files, so {key!r} cannot be a key: every part between slashes needs a name of 1 to "
            f"{_SEGMENT_BYTES} bytes other than . and ..",
        )
    return key


def cannot_stand_beside(key: str, other: str) -> LabError:
    return LabError(
        "InvalidArgument",
        f"{key!r} cannot be kept beside {other!r}: the lab's objects are files, and a name is either a file or a folder",
    )


def bucket_not_empty() -> LabError:
    return LabError("BucketNotEmpty", "The bucket you tried to delete is not empty", status=409)


def no_such_bucket() -> LabError:
    return LabError("NoSuchBucket", "The specified bucket does not exist", status=404)


def md5(data: bytes) -> str:
    """S3's ETag of an object that was put in one piece."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"the bucket could not be written ({error.strerror}): free space in the state directory"
        ) from error


def _tidy(folder: Path, stop: Path) -> None:
    """Remove folders that are empty, upwards to `stop`."""
    while folder != stop:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
