"""`python -m services.init`: the first program of an instance. It boots, and stays until it is told to stop."""

import signal
import sys
from pathlib import Path
from types import FrameType

from services.init import systemctl
from services.init.boot import Boot, environment, metadata_of
from services.init.console import Console


def main() -> None:
    def stopped(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, stopped)
    root = Path("/")
    console = Console(root)
    try:
        Boot(root, console, environment(root)).run(metadata_of(console))
        while True:
            signal.pause()
    finally:
        for name in systemctl.enabled(root):
            systemctl.stop(root, name)


if __name__ == "__main__":
    main()
