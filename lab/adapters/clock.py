"""Clocks: the only place of the control plane that reads the time."""

import contextlib
import json
import time
from pathlib import Path

from lab.core.errors import Unavailable
from lab.core.pace import Pace, Stretch


def wall_time() -> float:
    """Seconds since the epoch, as the world outside counts them: what certificates are judged by."""
    return time.time()


class SystemClock:
    """Lab time from the wall clock. The pace is kept in a file, so that lab time goes on where it was after a restart.

    `configured` is the speed that the lab is started with. It counts when it is another than at the start before; else
    whatever the speed was changed to since then stays."""

    def __init__(self, path: Path, configured: float) -> None:
        self._path = path
        self._configured = configured
        wall = time.time()
        self._pace = Pace((Stretch(wall, wall, configured),))
        before = configured
        with contextlib.suppress(OSError, ValueError, KeyError):
            known = json.loads(path.read_text())
            self._pace = Pace((Stretch(known["origin_lab"], known["origin_wall"], known["speed"]),))
            before = known.get("configured", known["speed"])
        self._latest = self._pace.stretches[0].lab
        self.set_speed(self.speed if before == configured else configured)

    @property
    def speed(self) -> float:
        return self._pace.speed

    def now(self) -> float:
        # The wall clock may be set back; lab time may not.
        self._latest = max(self._latest, self._pace.lab(time.time()))
        return self._latest

    def wall_between(self, since: float, until: float) -> float:
        return self._pace.wall_between(since, until)

    def set_speed(self, speed: float) -> None:
        pace = self._pace.changed(self.now(), time.time(), speed)
        self._keep(pace.stretches[-1])
        self._pace = pace

    def _keep(self, last: Stretch) -> None:
        body = {
            "speed": last.speed, "origin_wall": last.wall, "origin_lab": last.lab, "configured": self._configured,
        }  # fmt: skip
        fresh = self._path.with_suffix(".tmp")
        try:
            fresh.write_text(json.dumps(body))
            fresh.replace(self._path)
        except OSError as error:
            raise Unavailable(f"the speed of lab time cannot be kept in {self._path} ({error.strerror})") from error


class VirtualClock:
    """Time that moves only when it is told to, by lab seconds."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._pace = Pace((Stretch(start, start, 1.0),))

    @property
    def speed(self) -> float:
        return self._pace.speed

    def now(self) -> float:
        return self._now

    def wall_between(self, since: float, until: float) -> float:
        return self._pace.wall_between(since, until)

    def set_speed(self, speed: float) -> None:
        self._pace = self._pace.changed(self._now, self._pace.wall(self._now), speed)

    def advance(self, seconds: float) -> None:
        self._now += seconds
