"""The HTTP application over a lab under virtual time."""

import asyncio
import contextlib
import json
from typing import Any
from urllib.parse import quote

import pytest

from lab.adapters.own_process import own_use
from lab.api.app import MAX_BODY, create_app
from lab.core.elbv2 import report as node_report
from lab.core.elbv2.check import problems
from lab.core.elbv2.config import from_json
from lab.core.elbv2.model import LoadBalancer, Node
from lab.core.elbv2.report import NodeReport
from lab.core.errors import Unavailable
from lab.core.rds.model import DBInstance
from lab.main import vpc_reply
from tests.api.client import Answer, Client
from tests.control.lab import Lab
from tests.eventually import eventually


@pytest.fixture
def node(lab: Lab) -> Node:
    return lab.store.all(LoadBalancer)[0].nodes[0]


def bearer(node: Node) -> str:
    return f"Bearer {node.token}"


async def test_health_and_index(client: Client) -> None:
    assert (await client.get("/lab/health")).json == {"ok": True}
    index = (await client.get("/")).json
    assert index["load_balancer"] == [
        "http://127.0.0.1:8080",
        "https://127.0.0.1:8443",
        "http://127.0.0.1:8081",
        "https://127.0.0.1:8444",
    ]


async def test_the_certificate_authority(client: Client, lab: Lab) -> None:
    answer = await client.get("/lab/ca")
    known = lab.world.certificates.authority()
    assert (answer.status, answer.json["pem"], answer.json["sha256"]) == (200, known.pem, known.sha256)
    assert answer.json["pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert (answer.json["names"], answer.json["networks"]) == (["lab.local", "localhost"], ["127.0.0.0/8"])
    assert "PRIVATE" not in answer.body.decode()
    assert (await client.get("/lab/ca", host="evil.example")).status == 403


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/lab/status", {"Host": "evil.example"}, 403),
        ("/lab/status", {"Host": ""}, 403),
        ("/lab/status", {"Origin": "http://evil.example"}, 403),
        ("/lab/status", {"Origin": "http://localhost:8080"}, 200),
        ("/lab/status", {"Host": "control:4566"}, 403),
        ("/lab/nodes/lb-0/config", {"Host": "control:4566"}, 403),
        ("/nowhere", {}, 404),
    ],
)
async def test_strangers_are_kept_out(client: Client, path: str, headers: dict[str, str], status: int) -> None:
    assert (await client.get(path, **headers)).status == status


@pytest.mark.parametrize("length", [str(MAX_BODY + 1), "-1", "many", "²"])
async def test_bodies_that_are_too_large_are_refused(client: Client, length: str) -> None:
    answer = await client.post("/lab/aws/ec2/DescribeVpcs", {}, content_length=length)
    assert (answer.status, answer.error) == (413, "RequestEntityTooLarge")


# AWS actions.


async def test_a_service_of_the_rest_protocol_is_asked_by_path(client: Client, lab: Lab) -> None:
    [balancer] = lab.store.all(LoadBalancer)
    path = f"/managedresources/{quote(balancer.arn, safe='')}"
    signed = "AWS4-HMAC-SHA256 Credential=lab/20231114/us-east-1/arc-zonal-shift/aws4_request, SignedHeaders=host, Signature=0"
    answer = await client.get(path, authorization=signed)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    lab.call("elbv2", "ModifyLoadBalancerAttributes", LoadBalancerArn=balancer.arn,
             Attributes=[{"Key": "zonal_shift.config.enabled", "Value": "true"}])  # fmt: skip
    answer = await client.get(path, authorization=signed)
    assert (answer.status, answer.json["arn"]) == (200, balancer.arn)


async def test_an_action_answers_in_json(client: Client, lab: Lab) -> None:
    answer = await client.post("/lab/aws/autoscaling/DescribeAutoScalingGroups")
    [group] = answer.json["AutoScalingGroups"]
    assert (answer.status, group["AutoScalingGroupName"]) == (200, lab.group.name)
    assert group["CreatedTime"].startswith("2023-11-14T22:")


async def test_an_action_changes_the_lab(client: Client, lab: Lab) -> None:
    body = {"AutoScalingGroupName": lab.group.name, "DesiredCapacity": 3}
    answer = await client.post("/lab/aws/autoscaling/SetDesiredCapacity", body)
    assert (answer.status, answer.json, lab.group.desired_capacity) == (200, {}, 3)


async def test_cloudformation_is_there_too(client: Client) -> None:
    answer = await client.post("/lab/aws/cloudformation/DescribeStacks", {"StackName": "web"})
    assert answer.json["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/lab/aws/ec2/DescribeVpcs", {"VpcIds": ["vpc-0"]}, 400, "InvalidVpcID.NotFound"),
        ("/lab/aws/ec2/DescribeVpcs", {"VpcIds": "vpc-0"}, 400, "ValidationError"),
        ("/lab/aws/ec2/MakeCoffee", {}, 400, "InvalidAction"),
        (
            "/lab/aws/ec2/RunScheduledInstances",
            {"LaunchSpecification": {"ImageId": "x"}, "ScheduledInstanceId": "x"},
            501,
            "UnsupportedOperation",
        ),
        ("/lab/aws/coffee/Make", {}, 404, "UnknownService"),
        ("/lab/aws/cloudformation/Nothing", {}, 400, "InvalidAction"),
        ("/lab/aws/rds/DescribeDBInstances", {"DBInstanceIdentifier": "x"}, 404, "DBInstanceNotFound"),
        ("/lab/aws/ec2/DescribeVpcs", b"{", 400, "SerializationException"),
        ("/lab/aws/ec2/DescribeVpcs", b"[]", 400, "SerializationException"),
        ("/lab/aws/ec2/DescribeVpcs", b"\xff", 400, "SerializationException"),
    ],
)
async def test_errors_carry_awss_code_and_status(client: Client, path: str, body: Any, status: int, code: str) -> None:
    answer = await client.post(path, body)
    assert (answer.status, answer.error) == (status, code)


# Machines.


async def test_kill(client: Client, lab: Lab) -> None:
    victim = lab.members[0]
    assert (await client.post(f"/lab/instances/{victim}/kill")).json == {"killed": victim}
    await lab.until(lambda: victim not in lab.members and lab.settled(), 60)
    again = await client.post(f"/lab/instances/{victim}/kill")
    assert (again.status, again.error) == (409, "InvalidRequest")


async def test_a_database_goes_by_its_identifier(client: Client, lab: Lab) -> None:
    [database] = lab.store.all(DBInstance)
    assert (await client.post(f"/lab/instances/{database.identifier}/kill")).status == 200
    assert database.machine_id not in {one.id for one in await lab.compute.machines() if one.exit_code is None}


@pytest.mark.parametrize("name", ["b", "1b", "us-east-1b"])
async def test_a_zone_is_failed_and_recovered(client: Client, lab: Lab, name: str) -> None:
    assert (await client.post(f"/lab/zones/{name}/fail")).json == {"zone": "us-east-1b"}
    await lab.run(60)
    assert (await client.get("/lab/status")).json["failed_zones"] == ["us-east-1b"]
    in_zone = {
        one["lifecycle"] for one in lab_instances(await client.get("/lab/status")) if one["zone"] == "us-east-1b"
    }
    assert "InService" not in in_zone
    assert (await client.post(f"/lab/zones/{name}/recover")).json == {"zone": "us-east-1b"}
    await lab.turn()
    assert (await client.get("/lab/status")).json["failed_zones"] == []


async def test_there_is_no_zone_of_that_name(client: Client) -> None:
    answer = await client.post("/lab/zones/z/fail")
    assert (answer.status, answer.error) == (400, "InvalidParameterValue")


def lab_instances(answer: Answer) -> list[dict[str, Any]]:
    return [one for group in answer.json["groups"] for one in group["instances"]]


async def test_logs(client: Client, lab: Lab) -> None:
    name = lab.members[0]
    answer = await client.get(f"/lab/machines/{name}/logs?tail=1")
    assert (answer.status, answer.body.decode()) == (200, f"{name} started\n")
    assert (await client.get("/lab/machines/i-0/logs")).status == 409


async def test_an_engine_that_is_away_is_said_so(lab: Lab) -> None:
    def call(service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        raise Unavailable("the Docker engine does not answer")

    client = Client(create_app(lab.world, lab.loop, call, "simulated", own_use, vpc_reply(lab.world)))
    answer = await client.post("/lab/aws/ec2/DescribeVpcs")
    assert (answer.status, answer.error) == (503, "ServiceUnavailable")


# Nodes.


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer tökén"])
async def test_a_node_must_show_its_token(client: Client, node: Node, authorization: str) -> None:
    shown = authorization.format(token=node.token)
    answer = await client.get(f"/lab/nodes/{node.node_id}/config", authorization=shown)
    assert (answer.status, answer.error) == (403, "AccessDenied")


async def test_another_nodes_token_does_not_do(client: Client, lab: Lab, node: Node) -> None:
    other = lab.store.all(LoadBalancer)[0].nodes[1]
    answer = await client.get(f"/lab/nodes/{node.node_id}/config", authorization=bearer(other))
    assert answer.status == 403


async def test_a_node_gets_the_whole_document(client: Client, node: Node) -> None:
    answer = await client.get(f"/lab/nodes/{node.node_id}/config", authorization=bearer(node), host="control:4566")
    document = from_json(answer.json)
    assert problems(document) == []
    assert len(document.target_groups[0].targets) == 2


async def test_a_node_that_has_the_document_gets_304_after_the_wait(client: Client, lab: Lab, node: Node) -> None:
    document = lab.world.nodes.document(lab.store.all(LoadBalancer)[0].arn)
    assert document is not None
    path = f"/lab/nodes/{node.node_id}/config?have={document.generation}&wait=0.01"
    answer = await client.get(path, authorization=bearer(node))
    assert (answer.status, answer.body) == (304, b"")


async def test_a_node_that_waits_gets_a_change_at_once(client: Client, lab: Lab, node: Node) -> None:
    document = lab.world.nodes.document(lab.store.all(LoadBalancer)[0].arn)
    assert document is not None
    path = f"/lab/nodes/{node.node_id}/config?have={document.generation}&wait=30"
    waiting = asyncio.create_task(client.get(path, authorization=bearer(node)))
    await asyncio.sleep(0)
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=3)
    await lab.run(20)
    await eventually(waiting.done)
    answer = waiting.result()
    assert (answer.status, answer.json["generation"]) == (200, document.generation + 1)


async def test_a_report_is_heard(client: Client, lab: Lab, node: Node) -> None:
    report = NodeReport(node.node_id, "boot", node.availability_zone, 99, (), {"RequestCount": 5})
    body = node_report.to_json(report)
    answer = await client.post(f"/lab/nodes/{node.node_id}/report", body, authorization=bearer(node))
    assert (answer.status, answer.body) == (204, b"")
    assert lab.world.nodes.report(node.node_id) == report


@pytest.mark.parametrize("change", [{"node_id": "lb-other"}, {"targets": None}, {"surprise": 1}])
async def test_a_report_that_is_none_is_refused(client: Client, node: Node, change: dict[str, Any]) -> None:
    body = {**node_report.to_json(NodeReport(node.node_id, "boot", "z", 1, (), {})), **change}
    answer = await client.post(f"/lab/nodes/{node.node_id}/report", body, authorization=bearer(node))
    assert (answer.status, answer.error) == (400, "InvalidReport")


# Status.

KEYS = {
    "": {"now", "speed", "compute", "engine_problem", "resolver_problem", "failed_zones", "stacks", "load_balancers",
         "groups", "databases",
         "alarms", "activities", "decisions"},
    "stacks": {"name", "status", "reason"},
    "load_balancers": {"name", "dns_name", "state", "reason", "generation", "nodes"},
    "groups": {"name", "min", "max", "desired", "cpu", "instances"},
    "databases": {"id", "zone", "status", "reason", "machine", "endpoint"},
    "alarms": {"name", "type", "state", "since", "reason", "condition", "metric", "comparison", "threshold", "periods",
               "value"},
    "activities": {"group", "start", "end", "status", "description", "cause", "message"},
}  # fmt: skip
NODE = {"id", "zone", "address", "live", "applied", "connections", "rate", "urls"}
INSTANCE = {
    "id", "zone", "address", "state", "lifecycle", "health", "target", "target_reason", "cpu", "rate", "age", "version",
    "endpoints",
}  # fmt: skip


async def test_the_status_document(client: Client, lab: Lab) -> None:
    document = (await client.get("/lab/status")).json
    assert KEYS[""] <= set(document)
    for part, keys in KEYS.items():
        if part:
            assert keys <= set(document[part][0]), part
    [balancer], [group] = document["load_balancers"], document["groups"]
    assert set(balancer["nodes"][0]) >= NODE
    assert set(group["instances"][0]) >= INSTANCE
    assert [row["id"] for row in group["instances"]] == lab.members
    assert all(node["live"] and node["applied"] == balancer["generation"] for node in balancer["nodes"])
    assert {row["target"] for row in group["instances"]} == {"healthy"}


async def test_an_empty_lab_has_a_status_too() -> None:
    lab = Lab()
    document = (
        await Client(create_app(lab.world, lab.loop, lab.stacks.call, "simulated", own_use, vpc_reply(lab.world))).get(
            "/lab/status"
        )
    ).json
    assert (document["load_balancers"], document["groups"], document["stacks"]) == ([], [], [])


async def test_rates_are_per_second(client: Client, lab: Lab) -> None:
    for node in lab.store.all(LoadBalancer)[0].nodes:
        for count in (0, 50):
            lab.loop.hear(NodeReport(node.node_id, "b", "z", 1, (), {"RequestCount": count}))
            lab.clock.advance(2.0)
    document = (await client.get("/lab/status")).json
    assert [node["rate"] for node in document["load_balancers"][0]["nodes"]] == [25.0, 25.0]


async def put(client: Client, body: dict[str, Any]) -> Any:
    return await client.ask("PUT", "/lab/speed", json.dumps(body).encode(), {})


async def test_the_speed_of_lab_time_is_seen_and_changed(client: Client, lab: Lab) -> None:
    assert (await client.get("/lab/speed")).json == {"speed": 1.0}
    assert (await put(client, {"speed": 60})).json == {"speed": 60.0}
    assert lab.clock.speed == 60.0
    assert (await client.get("/lab/status")).json["speed"] == 60.0


@pytest.mark.parametrize("body", [{}, {"speed": 0}, {"speed": -5}, {"speed": 1001}, {"speed": "fast"}, {"speed": None}])
async def test_a_speed_that_is_none_changes_nothing(client: Client, lab: Lab, body: dict[str, Any]) -> None:
    answer = await put(client, body)
    assert (answer.status, answer.error) == (400, "ValidationError")
    assert "speed" in answer.json["error"]["message"]
    assert lab.clock.speed == 1.0


async def test_events_are_the_status_as_it_goes(lab: Lab) -> None:
    client = Client(create_app(lab.world, lab.loop, lab.stacks.call, "simulated", own_use, vpc_reply(lab.world)))
    listening = asyncio.create_task(client.get("/lab/events"))
    await eventually(lambda: client.last is not None and client.last.body)
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
    assert client.last is not None
    assert client.last.headers["content-type"].startswith("text/event-stream")
    first = client.last.body.split(b"\n\n")[0]
    assert json.loads(first.removeprefix(b"data: "))["compute"] == "simulated"


async def test_decisions_newest_first_as_data_and_as_sentences(client: Client, lab: Lab) -> None:
    name = lab.group.name
    for desired in (3, 4, 4):
        lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=name, DesiredCapacity=desired)
        await lab.run(10)
    rows = (await client.get("/lab/decisions")).json["decisions"]
    assert [(row["current"], row["desired"]) for row in rows] == [(4, 4), (3, 4), (2, 3)]
    assert rows[1]["sentences"] == ["A user called SetDesiredCapacity.", "The desired capacity goes from 3 to 4."]
    assert (await client.get(f"/lab/decisions?group={name}&last=1")).json["decisions"] == rows[:1]


async def test_decisions_of_a_group_that_is_not_there(client: Client, lab: Lab) -> None:
    answer = await client.get("/lab/decisions?group=none")
    assert answer.status == 404
    assert lab.group.name in answer.json["error"]["message"]


async def test_the_dashboard_is_the_index_of_browsers(client: Client) -> None:
    answer = await client.get("/", accept="text/html,application/xhtml+xml")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    script = await client.get("/lab/ui/js/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    for outside in ("/lab/ui/../api/app.py", "/lab/ui/%2e%2e/api/app.py", "/lab/ui/nothing.js"):
        assert (await client.get(outside)).status == 404
