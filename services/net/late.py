"""What leaves a device is made late: by the kernel where it has netem, else by this process.

Then a filter turns whatever leaves the device into one end of a pair of devices that leads nowhere. From the other end it is
read here, with what the kernel knows of it (checksums and segments that are still to be made), kept for as long as it is to
be late, and sent by the device with no regard to filters and queues, or it would come back.
"""

import contextlib
import select
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

HERE, THERE = "late0", "late1"
LONGEST: Final = 65536 + 64
"""A frame as large as the kernel makes them before it cuts them into segments, and what is known of it."""
MOST_BYTES: Final = 8 * 1024 * 1024
MOST_FRAMES: Final = 1000
"""What may wait, the latter as netem has it. Whatever else comes meanwhile is lost, as in a queue of a network that is full."""

_SOL_PACKET: Final = 263
_PACKET_VNET_HDR: Final = 15
_PACKET_QDISC_BYPASS: Final = 20
_ETH_P_ALL: Final = 3
_NOTHING: Final = 0
_SO_RCVBUFFORCE: Final = 33


class NoDelay(Exception):  # noqa: N818 - the name says what is the case
    """The kernel cannot make packets late, nor lets us."""


class Waiting:
    """Frames that wait, in their order. Seconds are of one clock, whichever; pure."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self._frames: deque[tuple[float, bytes]] = deque()
        self._bytes = 0

    def add(self, frame: bytes, now: float) -> None:
        if len(self._frames) < MOST_FRAMES and self._bytes + len(frame) <= MOST_BYTES:
            # Not before the one that came before, whose delay may have been another.
            due = max(now + self.delay, self._frames[-1][0] if self._frames else now)
            self._frames.append((due, frame))
            self._bytes += len(frame)

    def take(self, now: float) -> bytes | None:
        """The next frame that is due."""
        if not self._frames or self._frames[0][0] > now:
            return None
        frame = self._frames.popleft()[1]
        self._bytes -= len(frame)
        return frame

    def pause(self, now: float) -> float | None:
        """Seconds until the next one is due; None when none waits."""
        return max(0.0, self._frames[0][0] - now) if self._frames else None


class Lane:
    """The way round for all that leaves a device. Raises NoDelay when it cannot be made."""

    def __init__(self, device: str, delay: float, clock: Callable[[], float]) -> None:
        self.waiting = Waiting(delay)
        self._device = device
        self._clock = clock
        self._stop = threading.Event()
        try:
            _run("ip", "link", "add", HERE, "type", "veth", "peer", "name", THERE)
            for end in (HERE, THERE):
                _run("ip", "link", "set", end, "arp", "off", "up")
            self._in = _packets(THERE, _ETH_P_ALL)
            self._in.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, MOST_BYTES)
            self._out = _packets(device, _NOTHING)
            self._out.setsockopt(_SOL_PACKET, _PACKET_QDISC_BYPASS, 1)
            _run("tc", "qdisc", "add", "dev", device, "clsact")
            match = ("protocol", "all", "u32", "match", "u32", "0", "0")
            _run(
                "tc",
                "filter",
                "add",
                "dev",
                device,
                "egress",
                *match,
                "action",
                "mirred",
                "egress",
                "redirect",
                "dev",
                HERE,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            _undo(device)
            said = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
            raise NoDelay(
                f"the kernel of the Docker host cannot make packets late: it has no netem, and {said}"
            ) from error
        self._thread = threading.Thread(target=self._carry, name="late", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Nothing is late any more; what waits is lost."""
        self._stop.set()
        _undo(self._device)  # which ends the reading, too
        self._thread.join()
        self._in.close()
        self._out.close()

    def _carry(self) -> None:
        waiting = self.waiting
        while not self._stop.is_set():
            now = self._clock()
            while (frame := waiting.take(now)) is not None:
                with contextlib.suppress(OSError):  # the device's queue is full, or it is gone: so is the frame
                    self._out.send(frame)
            ready, _, _ = select.select([self._in], [], [], waiting.pause(self._clock()))
            if ready:
                try:
                    frame = self._in.recv(LONGEST)
                except OSError:
                    continue  # the pair is gone: the end has been asked for
                waiting.add(frame, self._clock())


class Delay:
    """How late what leaves the device is."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lane: Lane | None = None
        self._by_kernel = False

    def set(self, device: str, milliseconds: float) -> None:
        """Raises NoDelay; then nothing has changed."""
        if self._lane is not None:
            if milliseconds:
                self._lane.waiting.delay = milliseconds / 1000
            else:
                self._lane.end()
                self._lane = None
        elif milliseconds:
            self._by_kernel = netem(device, milliseconds)
            if not self._by_kernel:
                self._lane = Lane(device, milliseconds / 1000, self._clock)
        elif self._by_kernel:
            _run("tc", "qdisc", "delete", "dev", device, "root")
            self._by_kernel = False


def netem(device: str, milliseconds: float) -> bool:
    """Whether the kernel does it."""
    words = ["tc", "qdisc", "replace", "dev", device, "root", "netem", "delay", f"{milliseconds:g}ms"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _packets(device: str, received: int) -> socket.socket:
    """Whole frames of a device, each with what the kernel knows of it in front; `received` is the protocol of those to read."""
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, _NOTHING)
    found.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    found.bind((device, received))
    return found


def _undo(device: str) -> None:
    """Each fails where there is nothing to undo."""
    subprocess.run(["tc", "qdisc", "delete", "dev", device, "clsact"], capture_output=True, check=False)
    subprocess.run(["ip", "link", "delete", HERE], capture_output=True, check=False)


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)
