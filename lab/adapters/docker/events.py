"""The engine's event stream, from a thread of its own into whoever listens.

The SDK's stream blocks, so it has a daemon thread and a client of its own. A stream that breaks is reopened with growing
pauses. Each opening, the first included, is announced by an empty name: what happened before it was not seen.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from docker.api.client import APIClient
from docker.types.daemon import CancellableStream

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


class EventThread:
    """Calls `deliver` with the name of the container of each event, in its thread. Ends with `stop`."""

    def __init__(
        self, connect: Callable[[], APIClient], filters: dict[str, Any], deliver: Callable[[str], None]
    ) -> None:
        self._connect = connect
        self._filters = filters
        self._deliver = deliver
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        self._stream: CancellableStream[dict[str, Any]] | None = None  # written under the guard
        self._thread = threading.Thread(target=self._run, name="docker-events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the stream under the thread's feet and wait for it; an engine that hangs is not waited for long."""
        self._stopping.set()
        with self._guard:
            if self._stream is not None:
                _close(self._stream)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            if self._listen():
                pause = FIRST_PAUSE
            self._stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _listen(self) -> bool:
        """One stream from its opening to its end; whether it was opened at all."""
        opened = False
        # Whatever goes wrong here (the engine is away, the stream is closed while it is read, which surfaces as half a
        # dozen kinds of exception) has one answer: open another.
        with contextlib.suppress(Exception), contextlib.closing(self._connect()) as client:
            stream = client.events(filters=self._filters, decode=True)
            with self._guard:
                self._stream = stream
            try:
                opened = True
                if not self._stopping.is_set():
                    self._deliver("")
                    for event in stream:
                        self._deliver(event["Actor"]["Attributes"]["name"])
            finally:
                with self._guard:
                    self._stream = None
                    _close(stream)
        return opened


def _close(stream: "CancellableStream[dict[str, Any]]") -> None:
    # Closing one that the other side has closed already raises an OSError, or AttributeError when its socket is gone.
    with contextlib.suppress(OSError, AttributeError):
        stream.close()
