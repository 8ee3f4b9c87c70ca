"""The lab's S3: buckets are folders, objects files in them, at `<state>/buckets/<bucket>/<key>`."""

import os
import tempfile
from pathlib import Path, PurePosixPath

from lab.core.errors import Refused


class FolderBuckets:
    """Buckets below `root`, made when something is first put into them. A bucket or key that would lead out of `root` names
    nothing; `put` raises Refused for one, and when the folder cannot be written."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, bucket: str, key: str) -> bytes | None:
        path = self._path(bucket, key)
        if path is None or not path.is_file():
            return None
        return path.read_bytes()

    def put(self, bucket: str, key: str, data: bytes) -> None:
        path = self._path(bucket, key)
        if path is None:
            raise Refused(
                f"{bucket!r} and {key!r} are no bucket and key: use names without '..' and without empty parts"
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._root, prefix=".", delete=False) as part:
                part.write(data)
            os.replace(part.name, path)
        except OSError as error:
            raise Refused(f"the buckets in {self._root} cannot be written ({error.strerror})") from error

    def keys(self, bucket: str, prefix: str) -> list[str]:
        folder = self._path(bucket, "x")
        if folder is None:
            return []
        found = (path for path in folder.parent.rglob("*") if path.is_file())
        names = (path.relative_to(folder.parent).as_posix() for path in found)
        return sorted(name for name in names if name.startswith(prefix))

    def _path(self, bucket: str, key: str) -> Path | None:
        parts = (bucket, *key.split("/"))
        if any(part in ("", ".", "..") or "\0" in part for part in parts) or "/" in bucket or bucket.startswith("."):
            return None
        return self._root.joinpath(*PurePosixPath(*parts).parts)
