"""The commands of the base AMI that are ours: which of them this is, its name says."""

import os
import sys
from collections.abc import Callable, Sequence

from services.init import packages, systemctl

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "systemctl": systemctl.systemctl,
    "service": systemctl.service,
    "journalctl": systemctl.journalctl,
    "yum": packages.main,
    "dnf": packages.main,
    "apt": packages.main,
    "apt-get": packages.main,
    "amazon-linux-extras": packages.main,
}


def main() -> None:
    sys.exit(COMMANDS[os.path.basename(sys.argv[0])](sys.argv[1:]))
