"""An instance's boot, against a metadata service of the test's own and a folder that stands for its root."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.init.boot import HOST_KEY, STATE, Boot, environment
from services.init.console import LOG, Console
from services.init.metadata import Metadata, NoMetadata
from tests.eventually import until
from tests.init.imds import INSTANCE, Imds


@pytest.fixture
def imds() -> Iterator[Imds]:
    made = Imds()
    yield made
    made.close()


class Machine:
    def __init__(self, root: Path, imds: Imds) -> None:
        self.root, self.imds = root, imds
        (root / HOST_KEY).parent.mkdir(parents=True)
        (root / HOST_KEY).write_text("private")
        (root / f"{HOST_KEY}.pub").write_text("ssh-ed25519 AAAAhost\n")
        self._sink = os.open(os.devnull, os.O_WRONLY)

    def boot(self, user_data: str | None = None) -> str:
        """What it said on its console."""
        if user_data is not None:
            self.imds.tree["user-data"] = user_data.replace("ROOT", str(self.root))
        Boot(self.root, Console(self.root, self._sink), environment(self.root)).run(self.imds.metadata)
        until(lambda: self.console().endswith(f"finished booting {INSTANCE}\n"), 10, self.console)
        return self.console()

    def console(self) -> str:
        path = self.root / LOG
        return path.read_text() if path.exists() else ""

    def text(self, name: str) -> str:
        path = self.root / name
        return path.read_text() if path.exists() else ""


@pytest.fixture
def machine(tmp_path: Path, imds: Imds) -> Machine:
    return Machine(tmp_path, imds)


def test_a_script_runs_once_and_writes_to_the_console(machine: Machine) -> None:
    said = machine.boot("#!/bin/bash\necho to out; echo to err >&2\necho ran >> ROOT/ran\nid -u; pwd; env | wc -l\n")
    assert "to out\nto err\n" in said
    assert f"\n{os.getuid()}\n/\n" in said
    assert "LAB_" not in said
    script = machine.root / STATE / "instance/scripts/part-001"
    assert script.read_text().startswith("#!/bin/bash")
    assert script.stat().st_mode & 0o777 == 0o700
    machine.boot()
    assert machine.text("ran") == "ran\n"
    assert "asg-lab init: boot of" in machine.console()


def test_what_began_is_not_begun_again_whatever_came_between(machine: Machine) -> None:
    """The mark is made first, as cloud-init makes it: a script that was cut off half way is not run twice."""
    boot = Boot(machine.root, Console(machine.root, machine._sink), environment(machine.root))
    assert boot._begin(INSTANCE)
    machine.boot("#!/bin/sh\necho ran > ROOT/ran\n")
    assert machine.text("ran") == ""


def test_another_instance_of_the_same_disk_boots_for_the_first_time(machine: Machine, imds: Imds) -> None:
    machine.boot("#!/bin/sh\necho ran >> ROOT/ran\n")
    imds.tree["meta-data/instance-id"] = INSTANCE[:-1] + "1"
    Boot(machine.root, Console(machine.root, machine._sink), environment(machine.root)).run(imds.metadata)
    assert machine.text("ran") == "ran\nran\n"


def test_a_script_that_fails_costs_nothing_else(machine: Machine) -> None:
    assert "scripts/part-001 failed with exit code 3" in machine.boot("#!/bin/sh\nexit 3\n")


def test_a_script_without_its_interpreter_is_told(machine: Machine) -> None:
    assert "failed with exit code 127" in machine.boot("#!/no/such/shell\n")


def test_what_a_script_leaves_running_does_not_hold_the_boot(machine: Machine) -> None:
    machine.boot("#!/bin/sh\n(until test -e ROOT/go; do sleep 0.05; done; echo later; echo gone > ROOT/gone) &\n")
    (machine.root / "go").touch()
    until(lambda: machine.text("gone"), 10)
    until(lambda: "later" in machine.console(), 10)


def test_the_order_of_a_cloud_config(machine: Machine) -> None:
    said = machine.boot(
        """Content-Type: multipart/mixed; boundary="x"
MIME-Version: 1.0

--x
Content-Type: text/x-shellscript

#!/bin/sh
echo script >> ROOT/order
--x
Content-Type: text/cloud-config

#cloud-config
unheard_of: 1
bootcmd: ["echo bootcmd >> ROOT/order"]
runcmd: ["cat ROOT/etc/a >> ROOT/order"]
packages: [no-such-package]
write_files: [{path: /etc/a, content: "runcmd\\n"}]
ssh_authorized_keys: [ssh-ed25519 AAAAconfig]
--x
Content-Type: text/cloud-boothook

#cloud-boothook
echo boothook >> ROOT/order
--x--
"""
    )
    assert machine.text("order").split() == ["boothook", "bootcmd", "runcmd", "script"]
    assert "unheard_of is not carried out" in said
    assert "not all of no-such-package are in this AMI" in said
    assert machine.text("home/ec2-user/.ssh/authorized_keys") == "ssh-ed25519 AAAAconfig\n"
    machine.boot()
    assert machine.text("order").split()[4:] == ["boothook", "bootcmd"]


def test_the_key_pairs_key_lets_in_and_the_console_tells_the_hosts(machine: Machine, imds: Imds) -> None:
    imds.tree["meta-data/public-keys"] = "0=mine"
    imds.tree["meta-data/public-keys/0/openssh-key"] = "ssh-ed25519 AAAAmine mine"
    said = machine.boot()
    path = machine.root / "home/ec2-user/.ssh/authorized_keys"
    assert path.read_text() == "ssh-ed25519 AAAAmine mine\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "BEGIN SSH HOST KEY KEYS-----\nssh-ed25519 AAAAhost\n-----END" in said


def test_metadata_that_is_off_or_not_there_is_an_error(imds: Imds) -> None:
    imds.enabled = False
    with pytest.raises(NoMetadata, match="403"):
        _ = imds.metadata
    with pytest.raises(NoMetadata, match="does not answer"):
        Metadata("http://127.0.0.1:1/latest/", patience=0)


def test_without_metadata_it_boots_all_the_same(machine: Machine) -> None:
    Boot(machine.root, Console(machine.root, machine._sink), environment(machine.root)).run(None)
    until(lambda: "finished booting i-unknown" in machine.console(), 10)
    assert machine.text("home/ec2-user/.ssh/authorized_keys") == ""
