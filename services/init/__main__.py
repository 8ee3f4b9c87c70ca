"""`python -m services.init`: the first program of an instance. It boots, and stays until it is told to stop."""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from services.init import systemctl
from services.init.boot import Boot, environment, metadata_of
from services.init.console import Console

OPENS_WITHIN = 10.0


def wait_for(root: Path) -> None:
    """Until things can be made in `/`: whoever starts the machine opens it then. Goes on without, in the end."""
    end = time.monotonic() + OPENS_WITHIN
    while not os.access(root, os.W_OK) and time.monotonic() < end:
        time.sleep(0.02)


def main() -> None:
    def stopped(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, stopped)
    root = Path("/")
    console = Console(root)
    try:
        wait_for(root)
        Boot(root, console, environment(root)).run(metadata_of(console))
        while True:
            signal.pause()
    finally:
        for name in systemctl.enabled(root):
            systemctl.stop(root, name)


if __name__ == "__main__":
    main()
