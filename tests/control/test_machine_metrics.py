"""AWS/EC2, AWS/RDS and AWS/AutoScaling: what machines use, whether they are well, and how large groups are."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from lab.core.autoscaling.model import Member
from lab.core.cloudwatch.emitted import EC2, GROUPS, RDS
from lab.core.cloudwatch.metric import Metric, Statistics, dimensions
from lab.core.compute import MachineStats
from lab.core.ec2.model import Instance
from lab.core.rds.model import DBInstance
from tests.control.lab import Lab, Machines
from tests.control.traffic import Traffic, numbers, read, to_minute

WARM = 310.0


def of_instance(lab: Lab, name: str, instance_id: str, **where: int) -> Statistics | None:
    return read(lab, Metric(EC2, name, dimensions({"InstanceId": instance_id})), **where)


def of_group(lab: Lab, name: str, namespace: str = EC2, **where: int) -> Statistics | None:
    return read(lab, Metric(namespace, name, dimensions({"AutoScalingGroupName": lab.group.name})), **where)


async def warm(lab: Lab) -> None:
    await lab.run(WARM)
    await to_minute(lab)


# What instances use.


async def test_bytes_are_of_a_minute(lab: Lab) -> None:
    await warm(lab)
    first, second = lab.members
    lab.compute.set_traffic(first, 1000.0, 50.0)
    lab.compute.set_traffic(second, 200.0, 10.0)
    await to_minute(lab)
    assert numbers(of_instance(lab, "NetworkIn", first)) == (1, 60_000, 60_000, 60_000)
    assert numbers(of_instance(lab, "NetworkOut", first)) == (1, 3000, 3000, 3000)
    assert numbers(of_group(lab, "NetworkIn")) == (2, 72_000, 12_000, 60_000)
    assert of_instance(lab, "NetworkPacketsIn", first) is None, "AWS has packets with basic monitoring only"


async def test_images_and_types_with_detailed_monitoring_only(lab: Lab) -> None:
    await warm(lab)
    instance = lab.store.all(Instance)[0]
    facts = {"ImageId": instance.image_id, "InstanceType": instance.instance_type}
    by_image, by_type = (Metric(EC2, "CPUUtilization", (pair,)) for pair in facts.items())
    lab.set_cpu(0.5)
    await to_minute(lab)
    for metric in (by_image, by_type):
        found = read(lab, metric)
        assert found is not None
        assert (found.sample_count, found.get("Average")) == (2, 50.0)
    lab.call("ec2", "UnmonitorInstances", InstanceIds=lab.members)
    await to_minute(lab)
    await to_minute(lab)
    assert read(lab, by_image) is None


async def test_basic_monitoring_is_every_five_minutes(lab: Lab) -> None:
    await warm(lab)
    first, second = lab.members
    lab.call("ec2", "UnmonitorInstances", InstanceIds=[first])
    lab.set_cpu(0.5)
    for name in (first, second):
        lab.compute.set_traffic(name, 100.0, 100.0)
    for _ in range(20):
        await to_minute(lab)
    basic, detailed = (of_instance(lab, "CPUUtilization", name, minutes=15) for name in (first, second))
    assert basic is not None
    assert detailed is not None
    assert (basic.sample_count, detailed.sample_count) == (3, 15)
    assert basic.get("Average") == pytest.approx(50.0)
    assert numbers(of_instance(lab, "NetworkIn", first, minutes=15)) == (3, 90_000, 30_000, 30_000)
    assert numbers(of_instance(lab, "NetworkPacketsIn", first, minutes=15)) == (3, 60, 20, 20)


async def test_instances_that_warm_up_do_not_count_in_the_groups_metrics(lab: Lab) -> None:
    lab.set_cpu(0.5)
    await to_minute(lab)
    await to_minute(lab)
    assert of_instance(lab, "CPUUtilization", lab.members[0]) is not None
    for name in ("CPUUtilization", "NetworkIn", "StatusCheckFailed"):
        assert of_group(lab, name) is None, name


async def test_a_short_absence_of_the_control_plane_leaves_no_gap(lab: Lab) -> None:
    await warm(lab)
    [first, _] = lab.members
    lab.set_cpu(0.5)
    lab.compute.set_traffic(first, 100.0, 0.0)
    await to_minute(lab)
    lab.clock.advance(300)
    await lab.restart()
    await to_minute(lab)
    for back in range(1, 7):
        cpu, came = (of_instance(lab, name, first, back=back) for name in ("CPUUtilization", "NetworkIn"))
        assert cpu is not None, back
        assert cpu.get("Average") == pytest.approx(50.0)
        assert numbers(came) == (1, 6000, 6000, 6000)


async def test_a_long_absence_is_a_gap(lab: Lab) -> None:
    await warm(lab)
    [first, _] = lab.members
    lab.compute.set_traffic(first, 100.0, 0.0)
    await to_minute(lab)
    lab.clock.advance(2 * 3600)
    await lab.restart()
    await to_minute(lab)
    assert of_instance(lab, "NetworkIn", first, minutes=100) is None
    await to_minute(lab)
    assert of_instance(lab, "NetworkIn", first) is not None


async def test_a_machine_that_was_started_again_begins_anew(lab: Lab) -> None:
    """A database here: it is the same machine, with data of its own, and counters that are not."""
    [database] = lab.store.all(DBInstance)
    lab.compute.set_cpu(database.machine_id, 1.0)
    await to_minute(lab)
    await to_minute(lab)
    await lab.compute.kill(database.machine_id)
    await lab.until(lab.settled)
    lab.compute.set_cpu(database.machine_id, 0.5)
    await to_minute(lab)
    await to_minute(lab)
    found = of_database(lab, "CPUUtilization")
    assert found is not None
    assert found.get("Average") == pytest.approx(50.0)


class OneLoopback(Machines):
    """As in process mode: the adapter cannot tell a machine's traffic."""

    async def stats(self, machine_ids: Iterable[str]) -> Mapping[str, MachineStats]:
        return {name: replace(one, traffic=None) for name, one in (await super().stats(machine_ids)).items()}


@pytest.fixture
async def loopback() -> Lab:
    lab = Lab()
    lab.compute = OneLoopback(lab.clock.now)
    lab._start()
    lab.create_stack()
    return await lab.up()


async def test_where_nobody_can_tell_traffic_is_what_load_balancers_passed_on(loopback: Lab) -> None:
    lab = loopback
    traffic = Traffic(lab)
    await warm(lab)
    first, second = lab.members
    traffic.send(0, first, 500, 4000)
    traffic.send(1, first, 100, 1000)
    await to_minute(lab)
    assert numbers(of_instance(lab, "NetworkIn", first)) == (1, 600, 600, 600)
    assert numbers(of_instance(lab, "NetworkOut", first)) == (1, 5000, 5000, 5000)
    assert numbers(of_instance(lab, "NetworkOut", second)) == (1, 0, 0, 0)
    traffic.send(0, first, 7, 70)
    await lab.report()
    await lab.restart()
    traffic.reboot(0)
    traffic.send(0, first, 5, 50)
    await to_minute(lab)
    assert numbers(of_instance(lab, "NetworkOut", first)) == (1, 120, 120, 120)


# Whether they are well.


async def test_an_instance_that_hangs_fails_its_check(lab: Lab) -> None:
    await warm(lab)
    first, second = lab.members
    await lab.compute.pause(first)
    await to_minute(lab)
    assert numbers(of_instance(lab, "StatusCheckFailed", first)) == (1, 1, 1, 1)
    assert numbers(of_instance(lab, "StatusCheckFailed_Instance", first)) == (1, 1, 1, 1)
    assert numbers(of_instance(lab, "StatusCheckFailed_System", first)) == (1, 0, 0, 0)
    assert numbers(of_instance(lab, "StatusCheckFailed", second)) == (1, 0, 0, 0)
    assert numbers(of_group(lab, "StatusCheckFailed")) == (2, 1, 0, 1)
    await lab.compute.unpause(first)
    await to_minute(lab)
    assert numbers(of_instance(lab, "StatusCheckFailed", first)) == (1, 0, 0, 0)


async def test_checks_come_each_minute_whatever_the_monitoring(lab: Lab) -> None:
    lab.call("ec2", "UnmonitorInstances", InstanceIds=lab.members)
    for _ in range(6):
        await to_minute(lab)
    found = of_instance(lab, "StatusCheckFailed", lab.members[0], minutes=5)
    assert found is not None
    assert found.sample_count == 5


async def test_an_instance_that_died_has_no_checks(lab: Lab) -> None:
    await warm(lab)
    first = lab.members[0]
    await lab.compute.kill(first)
    await to_minute(lab)
    await to_minute(lab)
    assert of_instance(lab, "StatusCheckFailed", first) is None


# Databases.


def of_database(lab: Lab, name: str) -> Statistics | None:
    [database] = lab.store.all(DBInstance)
    return read(lab, Metric(RDS, name, (("DBInstanceIdentifier", database.identifier),)))


async def test_a_databases_cpu_and_connections(lab: Lab) -> None:
    [database] = lab.store.all(DBInstance)
    lab.compute.set_cpu(database.machine_id, 0.25)
    lab.compute.set_connections(database.machine_id, 9)
    await to_minute(lab)
    await to_minute(lab)
    assert numbers(of_database(lab, "DatabaseConnections")) == (1, 9, 9, 9)
    found = of_database(lab, "CPUUtilization")
    assert found is not None
    assert found.get("Average") == pytest.approx(25.0)


# Groups.


async def test_a_groups_own_metrics_are_there_once_they_are_enabled(lab: Lab) -> None:
    name = lab.group.name
    await to_minute(lab)
    await to_minute(lab)
    assert of_group(lab, "GroupDesiredCapacity", GROUPS) is None
    names = ["GroupMinSize", "GroupInServiceInstances", "GroupTerminatingInstances", "GroupTotalCapacity"]
    lab.call("autoscaling", "EnableMetricsCollection", AutoScalingGroupName=name, Granularity="1Minute", Metrics=names)
    await to_minute(lab)
    found = {one: of_group(lab, one, GROUPS) for one in names}
    assert {one: data.sum for one, data in found.items() if data is not None} == dict(
        zip(names, (2, 2, 0, 2), strict=True)
    )
    assert of_group(lab, "GroupDesiredCapacity", GROUPS) is None
    lab.call("autoscaling", "DisableMetricsCollection", AutoScalingGroupName=name)
    await to_minute(lab)
    await to_minute(lab)
    assert of_group(lab, "GroupMinSize", GROUPS) is None


async def test_members_are_counted_by_their_state(lab: Lab) -> None:
    """Whatever state a member is in, also one that nothing here brings it into."""
    lab.call("autoscaling", "EnableMetricsCollection", AutoScalingGroupName=lab.group.name, Granularity="1Minute")
    lab.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=lab.group.name, DesiredCapacity=3)
    member = lab.store.all(Member)[0]
    lab.store.put(replace(member, state="Standby"))
    lab.in_flight = dict.fromkeys(lab.members, 1)
    await to_minute(lab)
    found = of_group(lab, "GroupStandbyInstances", GROUPS)
    assert numbers(found) == (1, 1, 1, 1)


async def test_a_template_enables_them(lab: Lab) -> None:
    template = lab.call("cloudformation", "GetTemplate", StackName="web")["TemplateBody"]
    collection = "MetricsCollection: [{Granularity: 1Minute, Metrics: [GroupMaxSize]}]"
    changed = str(template).replace("      MinSize: !Ref", f"      {collection}\n      MinSize: !Ref", 1)
    assert changed != template
    lab.call("cloudformation", "UpdateStack", StackName="web", TemplateBody=changed)
    await lab.until(lab.serves)
    await lab.until(lambda: lab.group.enabled_metrics)
    assert lab.group.enabled_metrics == ("GroupMaxSize",)
    lab.call("cloudformation", "UpdateStack", StackName="web", TemplateBody=str(template))
    await lab.until(lambda: not lab.group.enabled_metrics)
