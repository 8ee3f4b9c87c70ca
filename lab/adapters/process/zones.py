"""Availability zones that are failed on purpose: a file below the state directory, so that the next control plane knows."""

import json
import os
from pathlib import Path


class FailedZones:
    """The names in `<state_dir>/failed-zones.json`; no file, none."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "failed-zones.json"

    def read(self) -> frozenset[str]:
        try:
            return frozenset(json.loads(self._path.read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()

    def change(self, zone: str, *, failed: bool) -> None:
        """Whole or not at all."""
        before = self.read()
        names = before | {zone} if failed else before - {zone}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(sorted(names)))
        os.replace(draft, self._path)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
