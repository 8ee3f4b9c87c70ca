"""GET /metrics and service discovery, over a lab under virtual time."""

from dataclasses import replace

import pytest

from lab.adapters.own_process import own_use
from lab.api.app import create_app
from lab.core.rds.model import DBInstance
from lab.main import vpc_reply
from services.lb.node.metrics import node_text
from tests.api.client import Client
from tests.control.lab import Lab
from tests.control.traffic import Traffic, to_minute
from tests.core.test_emitted import table
from tests.prometheus import Family, read, value


@pytest.fixture
def traffic(lab: Lab) -> Traffic:
    return Traffic(lab)


async def scrape(client: Client) -> dict[str, Family]:
    answer = await client.get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.body.decode())


async def test_groups_databases_and_alarms(lab: Lab, client: Client) -> None:
    [database] = lab.store.all(DBInstance)
    lab.set_cpu(0.5)
    lab.compute.set_connections(database.machine_id, 12)
    await to_minute(lab)
    await to_minute(lab)
    found = await scrape(client)
    group = lab.group.name
    assert value(found, "asg_lab_group_desired_capacity", group=group) == 2
    assert value(found, "asg_lab_group_min_size") == 2
    assert value(found, "asg_lab_group_max_size") == 6
    assert value(found, "asg_lab_group_instances", group=group, state="InService") == 2
    assert value(found, "asg_lab_group_instances", state="Pending") == 0
    assert value(found, "asg_lab_instance_cpu_utilization_ratio", instance=lab.members[0]) == pytest.approx(0.5)
    assert value(found, "asg_lab_database_connections", database=database.identifier) == 12
    assert value(found, "asg_lab_database_up") == 1
    high = lab.alarm("High")
    states = {s: value(found, "asg_lab_alarm_state", alarm=high.name, state=s) for s in ("OK", "ALARM")}
    assert states == {s: float(high.state == s) for s in states}
    assert value(found, "asg_lab_engine_up") == 1
    assert value(found, "asg_lab_lab_time_seconds") == lab.clock.now()
    assert value(found, "process_cpu_seconds_total") > 0


async def test_what_nodes_count(lab: Lab, client: Client, traffic: Traffic) -> None:
    traffic.pass_on(0, 30, seconds=0.02)
    traffic.pass_on(0, 2, status=503, seconds=3.0)
    traffic.pass_on(1, 12)
    traffic.add(1, "HTTPCode_ELB_5XX_Count", 4)
    traffic.send(0, lab.members[0], 100, 900)
    await lab.report()
    found = await scrape(client)
    where = {"load_balancer": traffic.balancer.name, "zone": "us-east-1a"}
    assert value(found, "asg_lab_lb_requests_total", **where, source="target", code="2xx") == 30
    assert value(found, "asg_lab_lb_requests_total", **where, source="target", code="5xx") == 2
    elb = {"zone": "us-east-1b", "source": "load_balancer"}
    assert value(found, "asg_lab_lb_requests_total", **elb, code="5xx") == 4
    assert value(found, "asg_lab_lb_requests_total", **elb, code="4xx") == 0
    times = "asg_lab_lb_target_response_time_seconds"
    assert value(found, f"{times}_count", **where, target_group=traffic.group.name) == 32
    assert value(found, f"{times}_bucket", **where, le="0.025") == 30
    assert value(found, f"{times}_bucket", **where, le="0.01") == 0
    assert value(found, f"{times}_sum", **where) == pytest.approx(6.6)
    assert value(found, "asg_lab_lb_target_sent_bytes_total", **where, target=f"{lab.members[0]}:8000") == 900
    assert value(found, "asg_lab_lb_target_healthy", **where, target=f"{lab.members[1]}:8000") == 1
    assert value(found, "asg_lab_lb_node_up", **where) == 1


async def test_a_node_that_is_dead_is_down(lab: Lab, client: Client, traffic: Traffic) -> None:
    lab.silent.add(traffic.nodes[0])
    await lab.run(20)
    found = await scrape(client)
    assert value(found, "asg_lab_lb_node_up", zone="us-east-1a") == 0
    assert value(found, "asg_lab_lb_node_up", zone="us-east-1b") == 1


async def test_the_page_shows_every_name(lab: Lab, client: Client, traffic: Traffic) -> None:
    """docs/metrics.md: names, types and labels; those of a node's own metrics as well."""
    traffic.pass_on(0, 1)
    await to_minute(lab)
    await to_minute(lab)
    report, use = lab.world.nodes.report(traffic.nodes[0]), own_use()
    assert report is not None
    assert use is not None
    told = {**read(node_text(traffic.balancer.short_name, report, use, {0: use})), **await scrape(client)}
    shown = {(name, kind, labels) for names, kind, labels in table("Prometheus") for name in names.split(", ")}
    assert shown == {(name, family.kind, labels_of(family)) for name, family in told.items()}


def labels_of(family: Family) -> str:
    found = {tuple(sorted(key for key, _ in labels if key != "le")) for _, labels in family.samples}
    [names] = found
    return ", ".join(names) or "-"


async def test_an_empty_lab_can_be_scraped() -> None:
    lab = Lab()
    found = await scrape(
        Client(create_app(lab.world, lab.loop, lab.stacks.call, "simulated", lambda: None, vpc_reply(lab.world)))
    )
    assert value(found, "asg_lab_info", compute="simulated") == 1
    assert "process_cpu_seconds_total" not in found


async def test_strangers_do_not_scrape_and_neighbours_do(client: Client) -> None:
    assert (await client.get("/metrics", host="evil.example")).status == 403
    assert (await client.get("/metrics", host="control:4566")).status == 200
    assert (await client.get("/lab/metrics/targets", host="control:4566")).status == 200
    assert (await client.get("/lab/status", host="control:4566")).status == 403


async def test_nodes_are_found_by_service_discovery(lab: Lab, client: Client, traffic: Traffic) -> None:
    assert (await client.get("/lab/metrics/targets")).json == []
    first = traffic.nodes[0]
    lab.amended = lambda report: replace(report, metrics_at="127.0.0.1:9901" if report.node_id == first else "")
    await lab.report()
    assert (await client.get("/lab/metrics/targets")).json == [
        {"targets": ["127.0.0.1:9901"], "labels": {"load_balancer": traffic.balancer.name, "zone": "us-east-1a"}}
    ]
