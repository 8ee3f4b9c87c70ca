"""stacks/bastion.yaml in a lab under virtual time: instances of nobody's group, consoles, and the way `lab ssh` finds."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click
import pytest
import pytest_asyncio

from lab.actions.ec2.console import KEPT
from lab.api.status import status as status_of
from lab.cli import ssh
from lab.core.ec2.keys import KeyPair
from lab.core.ec2.model import Instance, Vpc
from lab.core.errors import LabError
from lab.stack.model import Stack
from tests.api.served import boto_client, serving
from tests.control.lab import Lab

TEMPLATE = (Path(__file__).parents[2] / "stacks" / "bastion.yaml").read_text()
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII3xvUm5b34cuenLqCgMkzJvbMeb15Q3a3VO3UNPhK1b me"


@pytest_asyncio.fixture
async def lab() -> Lab:
    lab = Lab()
    lab.deploy("bastion", TEMPLATE, {"PublicKey": KEY})
    await lab.until(lambda: status(lab) == "CREATE_COMPLETE")
    return lab


def status(lab: Lab) -> str:
    return lab.store.all(Stack)[0].status


def outputs(lab: Lab) -> dict[str, str]:
    [stack] = lab.stacks.call("cloudformation", "DescribeStacks", {})["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


@contextlib.asynccontextmanager
async def asked(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    async with serving(lab) as port:
        monkeypatch.setenv("LAB_API_PORT", str(port))
        yield port


def by_id() -> dict[str, dict[str, Any]]:
    return {row["InstanceId"]: row for row in ssh.running()}


async def test_the_stack_comes_and_goes(lab: Lab) -> None:
    found = outputs(lab)
    bastion, server = (lab.store.get(Instance, found[name]) for name in ("BastionId", "ServerId"))
    assert bastion is not None
    assert server is not None
    assert (bastion.key_name, bastion.tags["Name"]) == ("bastion-key", "bastion")
    assert found["ServerAddress"] == server.private_ip_address
    rows = status_of(lab.world, lab.loop, "simulated")["instances"]
    assert sorted((row["name"], row["public"]) for row in rows) == [
        ("bastion", found["BastionAddress"]),
        ("server", ""),
    ]
    assert b"yum install -y httpd" in base64.b64decode(server.user_data)
    lab.stacks.call("cloudformation", "DeleteStack", {"StackName": "bastion"})
    await lab.until(lambda: status(lab) == "DELETE_COMPLETE")
    assert [lab.store.all(kind) for kind in (Vpc, KeyPair)] == [[], []]
    assert {row.state for row in lab.store.all(Instance)} <= {"terminated"}


async def test_groups_monitoring_and_tags_change_in_place(lab: Lab) -> None:
    server = outputs(lab)["ServerId"]
    changed = TEMPLATE.replace("SecurityGroupIds: [!Ref ServerGroup]", "SecurityGroupIds: [!Ref BastionGroup]")
    changed = changed.replace(
        "- { Key: Name, Value: server }",
        "- { Key: Name, Value: other }\n      Monitoring: true\n      MetadataOptions: { HttpTokens: required }",
    )
    update = {"StackName": "bastion", "TemplateBody": changed}
    lab.stacks.call(
        "cloudformation",
        "UpdateStack",
        {**update, "Parameters": [{"ParameterKey": "PublicKey", "UsePreviousValue": True}]},
    )
    await lab.until(lambda: status(lab) == "UPDATE_COMPLETE")
    row = lab.store.get(Instance, server)
    assert row is not None
    bastion = lab.store.get(Instance, outputs(lab)["BastionId"])
    assert bastion is not None
    assert row.group_ids == bastion.group_ids
    assert (row.monitoring, row.metadata_options.http_tokens, row.tags["Name"]) == (True, "required", "other")


async def test_a_console_is_read_when_it_is_asked_for(lab: Lab) -> None:
    instance = outputs(lab)["ServerId"]
    lab.compute._machines[instance].log += ["first é", "x" * KEPT, "last"]
    async with serving(lab) as port:
        ec2 = await asyncio.to_thread(boto_client, port, "ec2")
        output = (await asyncio.to_thread(ec2.get_console_output, InstanceId=instance))["Output"]
        assert (len(output), output[-6:]) == (KEPT, "\nlast\n")
        with pytest.raises(ec2.exceptions.ClientError, match=r"InvalidInstanceID\.NotFound"):
            await asyncio.to_thread(ec2.get_console_output, InstanceId="i-0")
        await lab.compute.terminate(instance, 0)
        assert "Output" not in await asyncio.to_thread(ec2.get_console_output, InstanceId=instance)
        ec2.close()


def test_outside_of_a_question_a_console_is_not_read() -> None:
    lab = Lab()
    with pytest.raises(LabError, match="does not exist"):
        lab.world.call("ec2", "GetConsoleOutput", {"InstanceId": "i-0"})


async def test_the_way_in(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    found = outputs(lab)
    async with asked(lab, monkeypatch):
        known = await asyncio.to_thread(by_id)
        bastion, server = known[found["BastionId"]], known[found["ServerId"]]
        assert await asyncio.to_thread(ssh.choose, known, bastion, None) is None
        assert await asyncio.to_thread(ssh.choose, known, server, None) == bastion
        assert await asyncio.to_thread(ssh.choose, known, server, bastion["InstanceId"]) == bastion
        assert (ssh.address(bastion, None), ssh.address(server, bastion)) == (
            found["BastionAddress"],
            found["ServerAddress"],
        )
        with pytest.raises(click.ClickException, match="has no public address"):
            await asyncio.to_thread(ssh.choose, known, server, server["InstanceId"])
        with pytest.raises(click.ClickException, match="no instance i-0 is running"):
            ssh.find(known, "i-0")


async def test_no_way_is_told_with_what_stands_in_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    found = outputs(lab)
    for row in lab.world.call("ec2", "DescribeSecurityGroups", {})["SecurityGroups"]:
        if row["IpPermissions"] and row["Description"].startswith("SSH from"):
            lab.world.call(
                "ec2",
                "RevokeSecurityGroupIngress",
                {"GroupId": row["GroupId"], "IpPermissions": row["IpPermissions"]},
            )
    async with asked(lab, monkeypatch):
        known = await asyncio.to_thread(by_id)
        with pytest.raises(click.ClickException) as refused:
            await asyncio.to_thread(ssh.choose, known, known[found["ServerId"]], None)
    assert f"through {found['BastionId']}: no inbound rule" in refused.value.message


async def test_hosts_are_known_by_what_their_consoles_tell(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = outputs(lab)
    known = {row.instance_id: row for row in lab.store.all(Instance)}
    lab.compute._machines[found["BastionId"]].log += [ssh.BEGIN, "ssh-ed25519 AAAAbastion", ssh.END]
    async with asked(lab, monkeypatch):
        with pytest.raises(click.ClickException, match="has not told its host key yet"):
            await asyncio.to_thread(ssh.host_keys, found["ServerId"])
        lab.compute._machines[found["ServerId"]].log += [ssh.BEGIN, "ssh-ed25519 AAAAserver", ssh.END, "more"]
        bastion, server = {"InstanceId": found["BastionId"]}, {"InstanceId": found["ServerId"]}
        hosts = [(server, "10.0.0.1"), (bastion, "198.51.100.4")]
        text = await asyncio.to_thread(ssh.configuration, tmp_path, hosts, bastion, None)
    assert sorted((tmp_path / "known_hosts").read_text().splitlines()) == sorted(
        [f"{found['BastionId']} ssh-ed25519 AAAAbastion", f"{found['ServerId']} ssh-ed25519 AAAAserver"]
    )
    assert text.count("ProxyJump") == 1
    assert f"ProxyJump {found['BastionId']}" in text
    assert "StrictHostKeyChecking yes" in text
    assert set(known) == {found["BastionId"], found["ServerId"]}
