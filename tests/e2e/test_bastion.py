"""On Docker: user data starts a web server, and a bastion lets in who has the key, without having it itself."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.blocks import free_block
from tests.e2e.outside import Lab, ask, output
from tests.eventually import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
STACK = "bastion"


@dataclass(frozen=True)
class Site:
    lab: Lab
    folder: Path
    outputs: dict[str, str]

    @property
    def bastion(self) -> str:
        return self.outputs["BastionId"]

    @property
    def server(self) -> str:
        return self.outputs["ServerId"]

    def ssh(self, *arguments: str, agent: str = "", code: int = 0) -> str:
        """The real ssh, with nothing of this machine's user: by the key, or by an agent that has it. Its host keys are those
        that the consoles told."""
        config = self.folder / ("agents-config" if agent else "config")
        done = subprocess.run(
            ["ssh", "-F", str(config), *arguments], capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "SSH_AUTH_SOCK": agent}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


def keygen(path: Path, kind: str) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", path], check=True)
    return path.with_name(path.name + ".pub").read_text().strip()


@pytest.fixture(scope="module")
def site(docker_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("ssh")
    keygen(folder / "stranger", "ed25519")
    public = keygen(folder / "key", "ed25519")
    lab = docker_lab
    parameters = ["-p", f"PublicKey={public}", "-p", f"VpcCidr={free_block()}"]
    try:
        lab.run("deploy", "stacks/bastion.yaml", "--stack-name", STACK, *parameters)
        described = ask("POST", lab.api, "/lab/aws/cloudformation/DescribeStacks", {"StackName": STACK})
        outputs = {one["OutputKey"]: one["OutputValue"] for one in json.loads(described.body)["Stacks"][0]["Outputs"]}
        made = Site(lab, folder, outputs)
        until(lambda: all("finished booting" in console(lab, one) for one in (made.bastion, made.server)), 60)
        write_config(made)
        yield made
    finally:
        ask("POST", lab.api, "/lab/aws/cloudformation/DeleteStack", {"StackName": STACK})
        until(lambda: not [name for name in vpcs(lab) if name != "web"], 60, lambda: vpcs(lab))


def console(lab: Lab, instance: str) -> str:
    return lab.run("console-output", instance)


def vpcs(lab: Lab) -> list[str]:
    answer = json.loads(ask("POST", lab.api, "/lab/aws/ec2/DescribeVpcs", {}).body)
    return [tag["Value"] for vpc in answer["Vpcs"] for tag in vpc["Tags"] if tag["Key"] == "Name"]


def write_config(site: Site) -> None:
    lines = []
    known = []
    for name, instance, address in (
        ("bastion", site.bastion, site.outputs["BastionAddress"]),
        ("server", site.server, site.outputs["ServerAddress"]),
    ):
        [key] = [line for line in console(site.lab, instance).splitlines() if line.startswith("ssh-ed25519")]
        known.append(f"{name} {key}\n")
        lines += [f"Host {name}", f"  HostName {address}", f"  HostKeyAlias {name}"]
    lines += ["Host *", "  User ec2-user", "  StrictHostKeyChecking yes", "  BatchMode yes", "  ConnectTimeout 5"]
    lines.append(f"  UserKnownHostsFile {site.folder / 'known_hosts'}")
    (site.folder / "agents-config").write_text("\n".join(lines) + "\n")
    lines += [f"  IdentityFile {site.folder / 'key'}", "  IdentitiesOnly yes"]
    (site.folder / "config").write_text("\n".join(lines) + "\n")
    (site.folder / "known_hosts").write_text("".join(known))


def test_ssh_jumps_over_the_bastion_which_has_no_private_key(site: Site) -> None:
    host = output("docker", "exec", site.server, "hostname").strip()
    assert site.ssh("-J", "bastion", "server", "hostname; whoami") == f"{host}\nec2-user\n"
    mine = (site.folder / "key").read_text().splitlines()[3]  # past what all such keys begin with
    public = (site.folder / "key.pub").read_text().split()[1]
    search = "find / -xdev -type f -not -path '/proc/*' 2>/dev/null | xargs -d '\\n' grep -lF {} 2>/dev/null; true"
    assert site.ssh("bastion", search.format(public)) == "/home/ec2-user/.ssh/authorized_keys\n"
    assert site.ssh("bastion", search.format(mine)) == ""


def test_an_agent_is_forwarded_and_the_key_stays_here(site: Site) -> None:
    agent = str(site.folder / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", agent], stdout=subprocess.DEVNULL) as running:
        try:
            until(lambda: Path(agent).exists(), 10)
            subprocess.run(
                ["ssh-add", "-q", site.folder / "key"], check=True, env={**os.environ, "SSH_AUTH_SOCK": agent}
            )
            onward = shlex.join(
                ["ssh", "-o", "StrictHostKeyChecking=accept-new", site.outputs["ServerAddress"], "hostname"]
            )
            host = output("docker", "exec", site.server, "hostname")
            assert site.ssh("-A", "bastion", onward, agent=agent).strip() == host.strip()
            site.ssh("-o", "ForwardAgent=no", "bastion", onward, agent=agent, code=255)
        finally:
            running.terminate()


def test_who_has_no_key_stays_outside_and_nobody_gets_past_the_bastion(site: Site) -> None:
    denied = subprocess.run(
        ["ssh", "-F", str(site.folder / "agents-config"), "-i", str(site.folder / "stranger"), "bastion", "true"],
        capture_output=True, text=True, check=False, env={**os.environ, "SSH_AUTH_SOCK": ""},
    )  # fmt: skip
    assert "Permission denied (publickey)" in denied.stderr
    said = site.lab.run("reach", "internet", f"{site.server}:22", code=1)
    assert "✗" in said


def test_lab_ssh_finds_the_way(site: Site) -> None:
    lab, key = site.lab, str(site.folder / "key")
    for instance in (site.server, site.bastion):
        host = output("docker", "exec", instance, "hostname")
        assert host in lab.run("ssh", "-i", key, instance, "hostname")
        lab.run("ssh", "-i", key, instance, "exit 7", code=7)
    jump = f"ssh -J ec2-user@{site.outputs['BastionAddress']} ec2-user@{site.outputs['ServerAddress']}\n"
    assert lab.run("ssh", "--print", site.server) == jump
    assert "which has no SSH" in lab.run("ssh", lab.healthy()[0], code=1)


def test_user_data_started_a_web_server_once(site: Site) -> None:
    server = site.outputs["ServerAddress"]
    host = output("docker", "exec", site.server, "hostname").strip()
    key = ["-i", str(site.folder / "key")]
    page = ["ssh", *key, site.bastion, f"curl -s -m 5 http://{server}/"]
    assert f"<h1>Hello from {host}</h1>" in site.lab.run(*page)
    site.lab.run("reach", "internet", f"{site.server}:80", code=1)
    site.lab.run(
        "ssh", *key, site.server, "mkdir /app && echo kept > /app/file && echo changed > /var/www/html/index.html"
    )
    booted = f"boot of {site.server}"
    ask("POST", site.lab.api, "/lab/aws/ec2/RebootInstances", {"InstanceIds": [site.server]})
    until(lambda: console(site.lab, site.server).count(booted) == 2, 60, lambda: console(site.lab, site.server))
    until(lambda: console(site.lab, site.server).count("finished booting") == 2, 30)
    # The disk is as it was, the service that was enabled runs, and the script has not run again.
    assert "changed" in site.lab.run(*page)
    assert "kept" in site.lab.run("ssh", *key, site.server, "cat /app/file")
    assert console(site.lab, site.server).count("Already in this AMI: httpd") == 1


def test_its_machine_is_as_locked_in_as_any(site: Site) -> None:
    form = "{{json .HostConfig.CapAdd}} {{json .HostConfig.CapDrop}} {{json .HostConfig.Binds}} {{.Config.User}}"
    assert output("docker", "inspect", "--format", form, site.bastion).split() == [
        "null",
        '["ALL"]',
        "null",
        "1000:1000",
    ]
    assert (
        output("docker", "exec", site.bastion, "sh", "-c", "grep CapEff /proc/self/status").split()[1].strip("0") == ""
    )
    assert (
        output("docker", "exec", site.bastion, "sh", "-c", "find / -xdev -perm /6000 -type f 2>/dev/null; true") == ""
    )
