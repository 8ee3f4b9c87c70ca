"""The thread that puts finished lines into files, so that a slow disk holds up no request.

The loop's thread hands over blocks of whole lines and orders to close; the files are this thread's alone. What waits for it is
bounded: a block too many is dropped and counted, as is one that the disk does not take.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

from services.lb.logs.names import Place, key
from services.lb.logs.spool import FILE_BYTES, Full, OpenFile, Spool

WAITING_BYTES = 4 * 1024 * 1024
STOP_SECONDS = 5.0

_log = logging.getLogger("lb")


@dataclass(frozen=True, slots=True)
class Block:
    """`lines` for the file of `place`, of the log numbered `log`; without a place, the log's file is to be closed."""

    log: int
    place: Place | None
    lines: bytes = b""
    count: int = 0


class Writer:
    """`dropped` are lines that found no place, on disk or on the way there."""

    def __init__(self, spool: Spool, random_bytes: Callable[[int], bytes]) -> None:
        self._spool = spool
        self._random_bytes = random_bytes
        self._queue: SimpleQueue[Block | None] = SimpleQueue()
        self._files: dict[int, tuple[Place, OpenFile]] = {}
        self._failing = False
        self._worker: threading.Thread | None = None
        # Each number has one thread that changes it: the first and the third are the loop's.
        self._given = 0
        self._taken = 0
        self._refused = 0
        self._lost = 0

    @property
    def dropped(self) -> int:
        return self._refused + self._lost

    @property
    def waiting(self) -> int:
        """Bytes given and not yet written."""
        return self._given - self._taken

    def start(self) -> None:
        self._worker = threading.Thread(target=self._run, name="logs", daemon=True)
        self._worker.start()

    def give(self, block: Block) -> None:
        """Never waits."""
        if self.waiting > WAITING_BYTES:
            self._refused += block.count
            return
        self._given += len(block.lines)
        self._queue.put(block)

    def stop(self) -> None:
        """Everything given is written, every file is published. Waits for a disk that hangs a few seconds at most."""
        if self._worker is not None:
            self._queue.put(None)
            self._worker.join(STOP_SECONDS)
            self._worker = None

    def _run(self) -> None:
        while (block := self._queue.get()) is not None:
            if block.place is None:
                self._close(block.log)
            else:
                self._write(block, block.place)
            self._taken += len(block.lines)
        for log in list(self._files):
            self._close(log)

    def _write(self, block: Block, place: Place) -> None:
        known = self._files.get(block.log)
        if known is not None and (known[0] != place or known[1].size + len(block.lines) > FILE_BYTES):
            self._close(block.log)
            known = None
        try:
            if known is None:
                known = (place, self._spool.open(place.bucket, key(place, self._random_bytes(8))))
                self._files[block.log] = known
            known[1].write(block.lines)
        except (OSError, ValueError, Full) as error:
            self._lost += block.count
            if not self._failing:
                _log.error("log lines are lost: %s", error)
            self._failing = True
        else:
            if self._failing:
                _log.info("log lines are kept again; %d were lost so far", self.dropped)
            self._failing = False

    def _close(self, log: int) -> None:
        known = self._files.pop(log, None)
        if known is None:
            return
        try:
            known[1].close()
        except OSError as error:
            _log.error("a log file could not be finished and is left for later: %s", error)
