"""AWS/ApplicationELB: counts by load balancer, zone and target group; what restarts do to them; hosts and zeros."""

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from lab.adapters.metrics import MetricStore
from lab.core.cloudwatch.metric import Metric, Statistics
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.elbv2.model import Registration
from lab.core.elbv2.report import NodeReport
from tests.control.lab import Lab
from tests.control.traffic import Traffic, numbers, read, to_minute


@pytest.fixture
def traffic(lab: Lab) -> Traffic:
    return Traffic(lab)


def sums(traffic: Traffic, name: str, *, back: int = 1, minutes: int = 1) -> dict[str, float]:
    """The Sum by each set of dimensions of a metric of targets that has data; `lb`, `lb/a`, `tg`, `tg/b` …"""
    sets = {
        "lb": traffic.facts(),
        "tg": traffic.facts(targets=True),
        "only": traffic.facts(targets=True, balancer=False),
        **{f"lb/{zone}": traffic.facts(zone) for zone in "ab"},
        **{f"tg/{zone}": traffic.facts(zone, targets=True) for zone in "ab"},
    }
    found = {key: traffic.read(name, facts, back=back, minutes=minutes) for key, facts in sets.items()}
    return {key: data.sum for key, data in found.items() if data is not None}


async def test_requests_by_every_set_of_dimensions(lab: Lab, traffic: Traffic) -> None:
    await to_minute(lab)
    traffic.pass_on(0, 30)
    traffic.pass_on(1, 12)
    await to_minute(lab)
    expected = {"lb": 42, "lb/a": 30, "lb/b": 12, "tg": 42, "tg/a": 30, "tg/b": 12}
    assert sums(traffic, "RequestCount") == expected
    assert sums(traffic, "HTTPCode_Target_2XX_Count") == expected
    assert numbers(traffic.read("RequestCount", traffic.facts())) == (42, 42, 1, 1)


async def test_what_nodes_count_of_their_own(lab: Lab, traffic: Traffic) -> None:
    await to_minute(lab)
    for name in ("HTTPCode_ELB_5XX_Count", "HTTPCode_ELB_503_Count", "NewConnectionCount", "NoSuchMetric"):
        traffic.add(1, name, 3)
    traffic.counts[traffic.nodes[0]].counters.processed += 5000
    await to_minute(lab)
    assert sums(traffic, "HTTPCode_ELB_503_Count") == {"lb": 3, "lb/b": 3}
    assert sums(traffic, "HTTPCode_ELB_5XX_Count") == {"lb": 3, "lb/b": 3}
    assert sums(traffic, "NewConnectionCount") == {"lb": 3, "lb/b": 3}
    assert sums(traffic, "ProcessedBytes") == {"lb": 5000, "lb/a": 5000}
    assert sums(traffic, "HTTPCode_ELB_502_Count") == {}


async def test_connections_to_targets_are_counted_once(lab: Lab, traffic: Traffic) -> None:
    await to_minute(lab)
    traffic.counts[traffic.nodes[0]].groups[traffic.group.arn].connections += 4
    traffic.add(0, "NewConnectionCount", 3)
    await to_minute(lab)
    assert sums(traffic, "NewConnectionCount") == {"lb": 7, "lb/a": 7}


async def test_response_times_over_nodes(lab: Lab, traffic: Traffic) -> None:
    await to_minute(lab)
    traffic.pass_on(0, 90, seconds=0.01)
    traffic.pass_on(1, 10, seconds=1.0)
    await to_minute(lab)
    for facts in (traffic.facts(), traffic.facts(targets=True)):
        found = traffic.read("TargetResponseTime", facts)
        assert found is not None
        assert found.sample_count == 100
        assert found.get("Average") == pytest.approx(0.109)
        assert found.minimum == pytest.approx(0.01, rel=0.07)
        assert found.maximum == pytest.approx(1.0, rel=0.07)
        assert found.get("p50") == pytest.approx(0.01, rel=0.05)
        assert found.get("p90") == pytest.approx(0.01, rel=0.05)
        assert found.get("p91") == pytest.approx(1.0, rel=0.05)
    alone = traffic.read("TargetResponseTime", traffic.facts("b"))
    assert alone is not None
    assert alone.sample_count == 10
    assert alone.get("Average") == pytest.approx(1.0)
    await to_minute(lab)
    assert traffic.read("TargetResponseTime", traffic.facts()) is None


async def test_requests_per_target(lab: Lab, traffic: Traffic) -> None:
    """Two healthy targets, one to a zone."""
    await to_minute(lab)
    traffic.pass_on(0, 30)
    traffic.pass_on(1, 10)
    await to_minute(lab)
    assert sums(traffic, "RequestCountPerTarget") == {"tg": 20, "only": 20, "tg/a": 15, "tg/b": 5}


async def test_requests_per_target_are_by_healthy_targets_or_else_by_registered_ones(
    lab: Lab, traffic: Traffic
) -> None:
    first, second = lab.members
    lab.health[first] = "unhealthy"
    await to_minute(lab)
    traffic.pass_on(0, 30)
    await to_minute(lab)
    assert sums(traffic, "RequestCountPerTarget")["tg"] == 30
    lab.health[second] = "unhealthy"
    traffic.pass_on(0, 30)
    await to_minute(lab)
    assert sums(traffic, "RequestCountPerTarget")["tg"] == 15


async def test_without_cross_zone_balancing_a_zone_is_by_its_own_targets(lab: Lab, traffic: Traffic) -> None:
    off = [{"Key": "load_balancing.cross_zone.enabled", "Value": "false"}]
    lab.call("elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=traffic.group.arn, Attributes=off)
    await to_minute(lab)
    traffic.pass_on(0, 30)
    traffic.pass_on(1, 10)
    await to_minute(lab)
    assert sums(traffic, "RequestCountPerTarget") == {"tg": 20, "only": 20, "tg/a": 30, "tg/b": 10}


async def test_what_did_not_happen(lab: Lab, traffic: Traffic) -> None:
    """0 for what is reported while targets are registered; nothing for all else; nothing at all without targets."""
    await to_minute(lab)
    await to_minute(lab)
    for name in ("RequestCount", "HTTPCode_Target_2XX_Count", "HTTPCode_Target_5XX_Count"):
        assert sums(traffic, name) == dict.fromkeys(("lb", "lb/a", "lb/b", "tg", "tg/a", "tg/b"), 0), name
    assert sums(traffic, "RequestCountPerTarget") == dict.fromkeys(("tg", "only", "tg/a", "tg/b"), 0)
    for name in ("HTTPCode_ELB_5XX_Count", "TargetConnectionErrorCount", "ProcessedBytes", "TargetResponseTime"):
        assert sums(traffic, name) == {}, name
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MinSize=0, DesiredCapacity=0)
    await lab.until(lambda: not lab.store.all(Registration))
    await to_minute(lab)
    await to_minute(lab)
    assert sums(traffic, "RequestCount") == {}
    assert traffic.read("HealthyHostCount", traffic.facts(targets=True)) is None


# Hosts and connections.


async def test_hosts_by_node_and_by_zone(lab: Lab, traffic: Traffic) -> None:
    first, _ = sorted(lab.store.all(Registration), key=lambda row: zone_of(lab, row.target_id))
    lab.health[first.target_id] = "unhealthy"
    await to_minute(lab)
    await to_minute(lab)
    healthy, unhealthy = (
        traffic.read(n, traffic.facts(targets=True)) for n in ("HealthyHostCount", "UnHealthyHostCount")
    )
    assert numbers(healthy) == (2, 2, 1, 1)  # a datum from each node
    assert numbers(unhealthy) == (2, 2, 1, 1)
    by_zone = {
        (name, zone): (traffic.read(name, traffic.facts(zone, targets=True)) or Statistics(0, 0, 0, 0)).maximum
        for name in ("HealthyHostCount", "UnHealthyHostCount")
        for zone in "ab"
    }
    assert by_zone == {
        ("HealthyHostCount", "a"): 0, ("HealthyHostCount", "b"): 1,
        ("UnHealthyHostCount", "a"): 1, ("UnHealthyHostCount", "b"): 0,
    }  # fmt: skip


async def test_minimum_and_maximum_are_over_nodes(lab: Lab, traffic: Traffic) -> None:
    def all_unhealthy_for_the_first(report: NodeReport) -> NodeReport:
        targets = tuple(replace(row, state="unhealthy") for row in report.targets)
        return replace(report, targets=targets) if report.node_id == traffic.nodes[0] else report

    lab.amended = all_unhealthy_for_the_first
    await to_minute(lab)
    await to_minute(lab)
    found = traffic.read("HealthyHostCount", traffic.facts(targets=True))
    assert numbers(found) == (2, 2, 0, 2)


async def test_a_target_that_drains_is_neither(lab: Lab, traffic: Traffic) -> None:
    lab.in_flight = dict.fromkeys(lab.members, 1)
    lab.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=lab.group.name, MinSize=1, DesiredCapacity=1)
    await to_minute(lab)
    await to_minute(lab)
    healthy, unhealthy = (
        traffic.read(n, traffic.facts(targets=True)) for n in ("HealthyHostCount", "UnHealthyHostCount")
    )
    assert (numbers(healthy), numbers(unhealthy)) == ((2, 2, 1, 1), (2, 0, 0, 0))


async def test_open_connections_are_a_sum_over_nodes(lab: Lab, traffic: Traffic) -> None:
    traffic.counts[traffic.nodes[0]].connections = 7
    traffic.counts[traffic.nodes[1]].connections = 5
    await to_minute(lab)
    await to_minute(lab)
    assert sums(traffic, "ActiveConnectionCount") == {"lb": 12, "lb/a": 7, "lb/b": 5}
    traffic.counts[traffic.nodes[0]].connections = 0
    await to_minute(lab)
    await to_minute(lab)
    assert sums(traffic, "ActiveConnectionCount") == {"lb": 5, "lb/b": 5}


# Restarts.


async def total(lab: Lab, traffic: Traffic) -> float:
    """All requests that were ever counted."""
    await to_minute(lab)
    return sums(traffic, "RequestCount", minutes=170).get("lb", 0.0)


async def test_a_node_that_was_started_again_counts_from_zero(lab: Lab, traffic: Traffic) -> None:
    traffic.pass_on(0, 30)
    await lab.run(10)
    traffic.reboot(0)
    traffic.pass_on(0, 4)
    await lab.run(10)
    traffic.reboot(0)
    traffic.pass_on(0, 50)
    assert await total(lab, traffic) == 84


async def test_a_group_that_is_used_anew_counts_from_zero(lab: Lab, traffic: Traffic) -> None:
    traffic.pass_on(0, 30)
    await lab.run(10)
    traffic.counts[traffic.nodes[0]].groups.clear()
    await lab.run(10)
    traffic.pass_on(0, 4)
    assert await total(lab, traffic) == 34


async def test_a_restart_of_the_control_plane_loses_nothing_and_counts_nothing_twice(
    lab: Lab, traffic: Traffic
) -> None:
    traffic.pass_on(0, 30)
    await lab.run(10)
    await lab.restart()
    await lab.run(5)
    traffic.pass_on(0, 5)
    await lab.restart()
    traffic.pass_on(0, 7)
    assert await total(lab, traffic) == 42


async def test_what_a_crash_loses_of_the_data_is_counted_again(tmp_path: Path) -> None:
    """The disk has the data up to the last flush; what came after it is in no file."""
    path = tmp_path / "metrics.sqlite"
    lab = Lab(metrics=MetricStore(path))
    lab.create_stack()
    await lab.up()
    traffic = Traffic(lab)
    await lab.run(10)
    traffic.pass_on(0, 30)
    await lab.turn()
    traffic.pass_on(0, 12)
    await lab.report()  # heard, and not flushed
    await lab.restart(metrics=MetricStore(path))
    traffic.pass_on(0, 8)
    assert await total(lab, traffic) == 50
    await lab.restart(metrics=MetricStore(path))
    assert await total(lab, traffic) == 50


async def test_a_long_absence_is_spread_over_its_minutes(lab: Lab, traffic: Traffic) -> None:
    """The nodes went on without a control plane for ten minutes, at 60 requests a minute."""
    await to_minute(lab)
    await lab.loop.effects.close()
    lab.clock.advance(600)
    traffic.pass_on(0, 601)
    await lab.restart()
    await lab.turn()
    await to_minute(lab)
    counts = [sums(traffic, "RequestCount", back=back)["lb"] for back in range(2, 12)]
    assert sum(counts) == 601
    assert set(counts) <= {60, 61}
    times = [traffic.read("TargetResponseTime", traffic.facts(), back=back) for back in range(2, 12)]
    assert [data.sample_count for data in times if data is not None] == counts
    assert sum(data.sum for data in times if data is not None) == pytest.approx(60.1)


async def test_a_node_never_heard_before_begins_with_what_it_says(lab: Lab, traffic: Traffic) -> None:
    """As when the file of metric data was lost: what it counted in its life is not of this minute."""
    traffic.pass_on(0, 1000)
    await lab.restart(metrics=MetricStore(None))
    await lab.run(10)
    traffic.pass_on(0, 6)
    assert await total(lab, traffic) == 6


async def test_marks_of_another_version_are_as_none(lab: Lab, traffic: Traffic) -> None:
    await to_minute(lab)
    for source in lab.metrics.sources():
        lab.metrics.mark(source, lambda: '{"at": 1, "report": {"colour": "blue"}}')
    await lab.restart()
    traffic.pass_on(0, 4)
    await lab.run(10)
    traffic.pass_on(0, 6)
    assert await total(lab, traffic) == 6
    await to_minute(lab)
    lab.set_cpu(0.5)
    await to_minute(lab)
    first = Metric("AWS/EC2", "CPUUtilization", (("InstanceId", lab.members[0]),))
    assert numbers(read(lab, first))[1] == pytest.approx(50.0)


async def test_marks_of_nodes_that_are_gone_go(lab: Lab, traffic: Traffic) -> None:
    await to_minute(lab)
    assert {f"node/{node}" for node in traffic.nodes} <= set(lab.metrics.sources())
    lab.call("cloudformation", "DeleteStack", StackName="web")
    await lab.run(400)
    assert list(lab.metrics.sources()) == []


# When alarms look.


async def test_alarms_wait_until_the_nodes_have_told_of_the_minute(lab: Lab, traffic: Traffic) -> None:
    """For a moment: a node that says nothing any more does not hold them up."""
    lab.call("cloudwatch", "PutMetricAlarm", AlarmName="busy", Namespace="AWS/ApplicationELB", MetricName="RequestCount",
             Dimensions=[{"Name": "LoadBalancer", "Value": traffic.balancer.short_name}], Statistic="Sum", Period=60,
             EvaluationPeriods=1, Threshold=10, ComparisonOperator="GreaterThanThreshold")  # fmt: skip

    def state() -> str:
        [alarm] = lab.call("cloudwatch", "DescribeAlarms", AlarmNames=["busy"])["MetricAlarms"]
        return str(alarm["StateValue"])

    await to_minute(lab)
    await to_minute(lab)
    assert state() == "OK"
    while lab.clock.now() % 60 < 59:
        await lab.turn()
        lab.clock.advance(1)
    traffic.pass_on(0, 100)
    await lab.report()
    lab.clock.advance(1.5)
    await lab.loop.turn()  # no node has spoken since the minute was over
    assert state() == "OK"
    lab.clock.advance(2)
    await lab.loop.turn()
    assert state() == "ALARM"


async def test_lab_time_that_runs_fast_leaves_no_minute_out(lab: Lab, traffic: Traffic) -> None:
    """200 lab seconds in a wall second: the loop turns every 100, the nodes report every 200."""
    lab.clock.set_speed(200.0)
    for turn in range(60):
        traffic.pass_on(0, 100)
        if turn % 2 == 0:
            await lab.report()
        await lab.loop.turn()
        await lab.loop.effects.settle()
        lab.clock.advance(100)
    counts = [sums(traffic, "RequestCount", back=back).get("lb", 0.0) for back in range(5, 60)]
    assert min(counts) >= 40, counts
    assert sum(counts) == pytest.approx(60 * 55, rel=0.05)
    hosts = [traffic.read("HealthyHostCount", traffic.facts(targets=True), back=back) for back in range(5, 60)]
    assert all(numbers(one) == (2, 4, 2, 2) for one in hosts)
    [alarm] = [one for one in lab.store.all(MetricAlarm) if "AlarmLow" in one.name]
    assert lab.loop.alarms.value(alarm.name) is not None


async def test_percentiles_are_within_five_percent(lab: Lab, traffic: Traffic) -> None:
    """Over both nodes and several reports, against the times themselves."""
    await to_minute(lab)
    chance = random.Random(7)
    times = [chance.lognormvariate(-3, 1) for _ in range(3000)]
    for index, seconds in enumerate(times):
        traffic.pass_on(index % 2, 1, seconds=seconds)
        if index % 500 == 0:
            await lab.tick()
    await to_minute(lab)
    found = traffic.read("TargetResponseTime", traffic.facts(targets=True))
    assert found is not None
    times.sort()
    for percent in (1, 25, 50, 90, 95, 99):
        exact = times[math.ceil(percent / 100 * len(times)) - 1]
        assert found.get(f"p{percent}") == pytest.approx(exact, rel=0.05), percent
    assert found.get("Average") == pytest.approx(sum(times) / len(times), rel=1e-4)


def zone_of(lab: Lab, instance_id: str) -> str:
    member = lab.member(instance_id)
    assert member is not None
    return member.zone
