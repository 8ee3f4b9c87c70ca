"""`lab reach` and faults of the network by their API, over a lab whose packets are not filtered (the model is the same)."""

import pytest

from lab.core.ec2.model import NetworkFault, Subnet
from lab.core.elbv2.model import LoadBalancer
from lab.core.errors import Refused
from lab.core.rds.model import DBInstance
from lab.core.vpc.plan import interfaces
from tests.api.client import Client
from tests.control.lab import Lab


async def ways(client: Client, **query: object) -> list[tuple[str, str, bool]]:
    answer = await client.get("/lab/reach?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert answer.status == 200, answer.body
    return [(path["source"], path["target"], path["passes"]) for path in answer.json["paths"]]


async def test_the_tiers_of_the_default_stack(client: Client, lab: Lab) -> None:
    balancer, database = lab.store.all(LoadBalancer)[0], lab.store.all(DBInstance)[0]
    nodes = [node.node_id for node in balancer.nodes]
    instance = lab.members[0]
    assert await ways(client, source="internet", target=balancer.name, port=80) == [
        ("internet", n, True) for n in nodes
    ]
    assert await ways(client, source=balancer.name, target=instance, port=8000) == [(n, instance, True) for n in nodes]
    sql = {"target": database.identifier, "port": 5432}
    assert await ways(client, source=instance, **sql) == [(instance, database.machine_id, True)]
    assert await ways(client, source=nodes[0], **sql) == [(nodes[0], database.machine_id, False)]
    assert await ways(client, source="internet", **sql) == [("internet", database.machine_id, False)]


async def test_the_beginning_of_a_name_is_enough_where_it_is_only_ones(client: Client, lab: Lab) -> None:
    nodes = [("internet", node.node_id, True) for node in lab.store.all(LoadBalancer)[0].nodes]
    assert await ways(client, source="internet", target="web-Load", port=80) == nodes
    assert (await client.get("/lab/reach?source=internet&target=&port=80")).error == "InvalidParameterValue"
    request = {"Name": "web-Loader", "Subnets": [row.subnet_id for row in lab.store.all(Subnet)[:2]]}
    lab.world.call("elbv2", "CreateLoadBalancer", request)
    assert (await client.get("/lab/reach?source=internet&target=web-Load&port=80")).error == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("source=internet&target=i-nobody&port=80", "InvalidParameterValue"),
        ("source=internet&target={node}&port=0", "InvalidParameterValue"),
        ("source=internet&target={node}&port=http", "ValidationError"),
        ("target={node}&port=80", "ValidationError"),
        ("source=internet&target={node}&port=80&protocol=sctp", "InvalidParameterValue"),
        ("source=internet&target={node}&port=80&probe=true", "InvalidParameterCombination"),
        ("source={node}&target={node}&port=53&protocol=udp&probe=true", "InvalidParameterCombination"),
        ("source={node}&target={node}&port=80&probe=true", "InvalidRequest"),  # there is nothing to probe here
    ],
)
async def test_what_cannot_be_asked(client: Client, lab: Lab, query: str, code: str) -> None:
    node = lab.store.all(LoadBalancer)[0].nodes[0].node_id
    assert (await client.get(f"/lab/reach?{query.format(node=node)}")).error == code


async def test_nothing_is_failed_where_nothing_is_filtered(client: Client, lab: Lab) -> None:
    instance = lab.members[0]
    answer = await client.post(f"/lab/network/{instance}/fail", {})
    assert answer.error == "UnsupportedOperation"
    assert lab.store.all(NetworkFault) == []


@pytest.mark.parametrize("body", [{"loss": 101}, {"latency": -1}, {"loss": "much"}, b"[]", b"{"])
async def test_a_fault_that_cannot_be_is_refused(client: Client, lab: Lab, body: object) -> None:
    lab.compute.filters = True
    answer = await client.post(f"/lab/network/{lab.members[0]}/fail", body)
    assert (answer.status, answer.error) == (400, "ValidationError")
    assert lab.store.all(NetworkFault) == []


async def test_a_fault_that_the_network_cannot_have_is_told_and_undone(client: Client, lab: Lab) -> None:
    lab.compute.filters = True
    instance = lab.members[0]
    await client.post(f"/lab/network/{instance}/fail", {"loss": 20})
    lab.compute.away = Refused("the kernel has no netem")
    answer = await client.post(f"/lab/network/{instance}/fail", {"latency": 200})
    assert (answer.status, answer.json["error"]["message"]) == (409, "the kernel has no netem")
    assert [(fault.latency, fault.loss) for fault in lab.store.all(NetworkFault)] == [(0, 20)]


async def test_a_fault_is_told_and_goes_with_its_interface(client: Client, lab: Lab) -> None:
    lab.compute.filters = True
    instance = lab.members[0]
    assert (await client.post(f"/lab/network/{instance}/fail", {"loss": 20})).json == {"machines": [instance]}
    await lab.run(10)
    assert interfaces(lab.store)[instance].fault.loss == 20
    assert lab.compute.told[instance].fault.loss == 20
    await client.post(f"/lab/network/{instance}/recover")
    await lab.run(10)
    assert lab.compute.told[instance].fault.loss == 0
    await client.post(f"/lab/network/{instance}/fail", {})
    lab.world.call("ec2", "TerminateInstances", {"InstanceIds": [instance]})
    await lab.until(lambda: not lab.store.all(NetworkFault))
