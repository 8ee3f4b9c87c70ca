"""`yum`, `dnf`, `apt-get`: there is nothing to fetch packages from, but what is asked for is often here already.

An instance of the lab reaches no repository, for the lab asks no internet. So to install means to look whether the AMI has it.
"""

import sys
from collections.abc import Sequence

HAVE = {
    "apache2", "bash", "busybox", "ca-certificates", "coreutils", "curl", "gzip", "httpd", "iproute", "iproute2", "jq",
    "openssh-client", "openssh-clients", "openssh-server", "procps", "procps-ng", "python3", "python3-pyyaml",
    "python3-yaml", "stress", "sudo", "tar", "wget", "which",
}  # fmt: skip
"""By the names that Amazon Linux and Debian have for them."""
INSTALL = ("install", "reinstall", "localinstall", "groupinstall")
QUIET = (
    "autoremove", "check-update", "clean", "disable", "dist-upgrade", "enable", "list", "makecache", "remove", "update",
    "upgrade",
)  # fmt: skip


def missing(names: Sequence[str]) -> list[str]:
    """Those that this AMI does not have; a version is not looked at."""
    return [name for name in names if name.split("=", 1)[0].removesuffix(".x86_64") not in HAVE]


def install(names: Sequence[str]) -> int:
    lacking = missing(names)
    if not lacking:
        print(f"Already in this AMI: {' '.join(names)}")
        return 0
    print(f"Error: Unable to find a match: {' '.join(lacking)}", file=sys.stderr)
    print(f"An instance of the lab reaches no repository; its AMI has: {' '.join(sorted(HAVE))}", file=sys.stderr)
    return 1


def main(arguments: Sequence[str]) -> int:
    verb, *names = [word for word in arguments if not word.startswith("-")] or [""]
    if verb in INSTALL:
        return install(names)
    if verb in QUIET:
        print("Nothing to do.")
        return 0
    print(f"No such command here: {verb or '(none)'}. This AMI knows install and update.", file=sys.stderr)
    return 1
