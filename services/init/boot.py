"""What happens when an instance of the base AMI starts, in the order of cloud-init's stages:

    every boot    boothooks, bootcmd
    first boot    write_files, authorized keys, the host's keys, packages
    every boot    the services that are enabled, SSH among them
    first boot    runcmd, then the scripts of user data

First means: of this instance on this disk; a mark below var/lib/cloud says what has begun, so that nothing is done twice,
whatever happened in between (ec2:user-data). What fails is said on the console, and boot goes on, as on EC2.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.init import systemctl
from services.init.cloud_config import CloudConfig, parse
from services.init.console import Console
from services.init.metadata import Metadata, NoMetadata, public_keys
from services.init.packages import install
from services.init.user_data import Kind, Part, parts
from services.init.write_files import BadUserData, write

USER = "ec2-user"
STATE = "var/lib/cloud"
HOST_KEY = "etc/ssh/ssh_host_ed25519_key"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Boot:
    """One boot of the machine whose `/` is `root`."""

    def __init__(self, root: Path, console: Console, environment: Mapping[str, str]) -> None:
        self.root, self.console, self.environment = root, console, environment
        self._folder = root / STATE / "instance"

    def run(self, metadata: Metadata | None) -> None:
        """`metadata` is None where the instance has none: then there is no user data and no key either."""
        instance_id = metadata.text("meta-data/instance-id") if metadata is not None else "i-unknown"
        first = self._begin(instance_id)
        self.console.say(f"asg-lab init: {'first boot' if first else 'boot'} of {instance_id}")
        found, problems = parts(self._user_data(metadata))
        configs = [parse(part.content.decode(errors="replace")) for part in found if part.kind is Kind.CLOUD_CONFIG]
        for problem in (*problems, *(problem for config in configs for problem in config.problems)):
            self.console.say(f"user data: {problem}")
        self._scripts([part for part in found if part.kind is Kind.BOOTHOOK], "boothooks")
        self._lines("bootcmd", [line for config in configs for line in config.bootcmd])
        if first:
            self._files(configs)
            keys = [key for config in configs for key in config.authorized_keys]
            self._authorize([*(public_keys(metadata) if metadata is not None else []), *keys])
            self._host_key()
            self._packages([name for config in configs for name in config.packages])
        self._services()
        if first:
            self._lines("runcmd", [line for config in configs for line in config.runcmd])
            self._scripts([part for part in found if part.kind is Kind.SCRIPT], "scripts")
        (self._folder / "boot-finished").touch()
        self.console.say(f"asg-lab init: finished booting {instance_id}")

    def _begin(self, instance_id: str) -> bool:
        """Whether this is the instance's first boot; it will not be again."""
        folder = self.root / STATE / "instances" / instance_id
        mark = folder / "sem" / "first-boot"
        first = not mark.exists()
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        self._folder.unlink(missing_ok=True)
        self._folder.symlink_to(f"instances/{instance_id}")
        return first

    def _user_data(self, metadata: Metadata | None) -> bytes:
        content = (metadata.get("user-data") if metadata is not None else None) or b""
        _private(self._folder / "user-data.txt", content)
        return content

    def _scripts(self, found: Sequence[Part], folder: str) -> None:
        for part in found:
            path = self._folder / folder / part.name
            path.parent.mkdir(parents=True, exist_ok=True)
            _private(path, part.content)
            path.chmod(0o700)
            # A boothook's first line is no interpreter's.
            command: list[str | Path] = ["/bin/sh", path] if part.kind is Kind.BOOTHOOK else [path]
            self._report(f"{folder}/{part.name}", self.console.run(command, self.environment))

    def _lines(self, name: str, lines: Sequence[str]) -> None:
        if lines:
            self._report(name, self.console.run(["/bin/sh", "-c", "\n".join(lines)], self.environment))

    def _report(self, name: str, code: int) -> None:
        if code != 0:
            self.console.say(f"user data: {name} failed with exit code {code}")

    def _files(self, configs: Sequence[CloudConfig]) -> None:
        for file in (file for config in configs for file in config.files):
            try:
                write(file, self.root)
            except (BadUserData, OSError) as error:
                self.console.say(f"user data: write_files: {error}")

    def _authorize(self, lines: Sequence[str]) -> None:
        if lines:
            folder = self.root / "home" / USER / ".ssh"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder / "authorized_keys"
            known = path.read_text().splitlines() if path.exists() else []
            _private(path, "".join(f"{line}\n" for line in dict.fromkeys([*known, *lines])).encode())

    def _host_key(self) -> None:
        """One of its own, which the console tells, so that who connects can know that it is this machine."""
        key = self.root / HOST_KEY
        if not key.exists():
            key.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
        public = key.with_name(key.name + ".pub").read_text().strip()
        self.console.say(f"-----BEGIN SSH HOST KEY KEYS-----\n{public}\n-----END SSH HOST KEY KEYS-----")

    def _packages(self, names: Sequence[str]) -> None:
        if names and install(names) != 0:
            self.console.say(f"user data: packages: not all of {' '.join(names)} are in this AMI")

    def _services(self) -> None:
        names = systemctl.enabled(self.root)
        if names:
            self._report("services", self.console.run(["systemctl", "start", *names], self.environment))


def environment(root: Path) -> dict[str, str]:
    """What scripts are run with."""
    return {"PATH": PATH, "HOME": str(root / "home" / USER), "USER": USER, "LANG": "C.UTF-8"}


def metadata_of(console: Console) -> Metadata | None:
    try:
        return Metadata()
    except NoMetadata as error:
        console.say(f"asg-lab init: {error}; so there is no user data and no key")
        return None


def _private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)
