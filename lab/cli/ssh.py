"""`lab ssh`: into an instance, through a bastion where the internet does not reach it.

The two ends are told apart by their host keys, which instances write on their consoles: nothing is trusted at first sight. The
private key stays on this machine. Through a bastion, ssh makes the second connection inside of the first, so the bastion sees
neither the key nor what is said.
"""

import base64
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from lab.cli import client
from lab.core.ec2.catalogue import IMAGES

USER = "ec2-user"
BEGIN, END = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"


@click.command(
    help="Log in to INSTANCE as ec2-user, or run COMMAND there. An instance without a way in from the internet is reached "
    "through a bastion: an instance of its VPC that has one. Options come before INSTANCE.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("instance")
@click.argument("arguments", nargs=-1, metavar="[COMMAND]...", type=click.UNPROCESSED)
@click.option(
    "-i",
    "identity",
    type=click.Path(exists=True, dir_okay=False),
    help="The private key; else ssh's own, or its agent's.",
)
@click.option(
    "-A", "agent", is_flag=True, help="Forward the agent: then the instance can use your keys while you are there."
)
@click.option("--via", help="The bastion to go through.")
@click.option("--print", "only_print", is_flag=True, help="Print the ssh command and do nothing.")
def command(
    instance: str, arguments: Sequence[str], identity: str | None, agent: bool, via: str | None, only_print: bool
) -> None:
    known = {row["InstanceId"]: row for row in running()}
    target = find(known, instance)
    bastion = choose(known, target, via)
    options = [*(["-i", identity] if identity else []), *(["-A"] if agent else [])]
    if only_print:
        jump = ["-J", f"{USER}@{bastion['PublicIpAddress']}"] if bastion else []
        click.echo(shlex.join(["ssh", *options, *jump, f"{USER}@{address(target, bastion)}", *arguments]))
        return
    with tempfile.TemporaryDirectory(prefix="lab-ssh-") as folder:
        hosts = [(target, address(target, bastion)), *([(bastion, bastion["PublicIpAddress"])] if bastion else [])]
        config = Path(folder) / "config"
        config.write_text(configuration(Path(folder), hosts, bastion, identity))
        done = subprocess.run(["ssh", "-F", str(config), *options, instance, *arguments], check=False)
    raise SystemExit(done.returncode)


def running() -> list[dict[str, Any]]:
    wanted = [{"Name": "instance-state-name", "Values": ["running"]}]
    answer = client.aws("ec2", "DescribeInstances", Filters=wanted)
    return [row for reservation in answer["Reservations"] for row in reservation["Instances"]]


def find(known: dict[str, dict[str, Any]], instance: str) -> dict[str, Any]:
    """Raises ClickException when nobody can log in there."""
    if instance not in known:
        raise click.ClickException(f"no instance {instance} is running; `lab status` shows what there is")
    row = known[instance]
    if not IMAGES[row["ImageId"]].disk:
        raise click.ClickException(
            f"{instance} runs {row['ImageId']} ({IMAGES[row['ImageId']].name}), which has no SSH: "
            "the base AMI has, stacks/bastion.yaml shows how"
        )
    return row


def choose(known: dict[str, dict[str, Any]], target: dict[str, Any], via: str | None) -> dict[str, Any] | None:
    """The bastion to go through, None for none. Raises ClickException with the first thing that stands in the way."""
    if via is None and "PublicIpAddress" in target:
        reason = obstacle("internet", target["InstanceId"])
        if not reason:
            return None
    else:
        reason = f"{target['InstanceId']} has no public address"
    others = [find(known, via)] if via is not None else known.values()
    for row in others:
        if row is target or row["VpcId"] != target["VpcId"] or "PublicIpAddress" not in row:
            continue
        if not IMAGES[row["ImageId"]].disk:
            continue
        way = [("internet", row["InstanceId"]), (row["InstanceId"], target["InstanceId"])]
        found = next(filter(None, (obstacle(source, end) for source, end in way)), "")
        if not found:
            return row
        reason = f"{reason}; through {row['InstanceId']}: {found}"
    raise click.ClickException(f"there is no way to port 22 of {target['InstanceId']}: {reason}")


def obstacle(source: str, target: str) -> str:
    """What drops packets to port 22, empty when they pass."""
    [path] = client.get(f"/lab/reach?{urlencode({'source': source, 'target': target, 'port': 22})}")["paths"]
    return next((str(hop["says"]) for hop in path["hops"] if hop["code"]), "")


def address(target: dict[str, Any], bastion: dict[str, Any] | None) -> str:
    return str(target["PrivateIpAddress"] if bastion else target["PublicIpAddress"])


def configuration(
    folder: Path, hosts: Sequence[tuple[dict[str, Any], str]], bastion: dict[str, Any] | None, identity: str | None
) -> str:
    """An ssh_config with the instances by their ids; it leads to known_hosts beside it."""
    lines = []
    with (folder / "known_hosts").open("w") as known:
        for row, where in hosts:
            name = row["InstanceId"]
            known.writelines(f"{name} {key}\n" for key in host_keys(name))
            lines += [f"Host {name}", f"  HostName {where}", f"  HostKeyAlias {name}"]
            if bastion is not None and row is not bastion:
                lines.append(f"  ProxyJump {bastion['InstanceId']}")
    lines += ["Host *", f"  User {USER}", f"  UserKnownHostsFile {folder}/known_hosts", "  StrictHostKeyChecking yes"]
    lines += [f"  IdentityFile {Path(identity).resolve()}", "  IdentitiesOnly yes"] if identity else []
    return "\n".join(lines) + "\n"


def host_keys(instance: str) -> list[str]:
    """As the instance wrote them on its console at its first boot. Raises ClickException before."""
    output = client.aws("ec2", "GetConsoleOutput", InstanceId=instance).get("Output", "")
    _, begin, rest = base64.b64decode(output).decode(errors="replace").rpartition(BEGIN)
    keys, end, _ = rest.partition(END)
    if not begin or not end:
        raise click.ClickException(
            f"{instance} has not told its host key yet; `lab console-output {instance}` shows its boot"
        )
    return keys.split("\n")[1:-1]
