"""Buckets as folders: `BUCKET/KEY` below a root is a file with the object's content."""

import os
from collections.abc import Callable
from pathlib import Path

from lab.core.errors import LabError, Refused


class FileBuckets:
    """`root` is made when the first bucket is. A key that would lead out of its bucket names nothing."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self, bucket: str) -> None:
        (self._root / bucket).mkdir(parents=True, exist_ok=True)

    def get(self, bucket: str, key: str) -> bytes | None:
        path = self._path(bucket, key)
        return path.read_bytes() if path is not None and path.is_file() else None

    def put(self, bucket: str, key: str, data: bytes) -> None:
        path = self._path(bucket, key)
        if path is None or not (self._root / bucket).is_dir():
            raise LabError("NoSuchBucket", "The specified bucket does not exist", status=404)
        part = path.with_name(f".{path.name}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(path)
        except OSError as error:
            raise Refused(f"the buckets in {self._root} cannot be written ({error.strerror})") from error

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        folder = self._path(bucket, "x")
        if folder is None:
            return []
        root = folder.parent
        found = (Path(at) / name for at, _, names in os.walk(root) for name in names)
        return [key for path in found if (key := path.relative_to(root).as_posix()).startswith(prefix)]

    def _path(self, bucket: str, key: str) -> Path | None:
        parts = (bucket, *key.split("/"))
        if "/" in bucket or any(part in ("", ".", "..") or "\0" in part for part in parts):
            return None
        return self._root.joinpath(*parts)


class MemoryBuckets:
    """For tests and simulations. `now` is what objects are stamped with."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: dict[str, dict[str, tuple[bytes, float]]] = {}

    def create(self, bucket: str) -> None:
        self._buckets.setdefault(bucket, {})

    def get(self, bucket: str, key: str) -> bytes | None:
        found = self._buckets.get(bucket, {}).get(key)
        return None if found is None else found[0]

    def put(self, bucket: str, key: str, data: bytes) -> None:
        if bucket not in self._buckets:
            raise LabError("NoSuchBucket", "The specified bucket does not exist", status=404)
        self._buckets[bucket][key] = (data, self._now())

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        return [key for key in self._buckets.get(bucket, {}) if key.startswith(prefix)]
