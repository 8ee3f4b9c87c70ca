"""GET /metrics: the whole lab for Prometheus. Gauges are of now, counters are those of the nodes' last reports.

CPU is of the last full lab minute, as in CloudWatch; rates of counters are per wall second, as Prometheus measures time.
"""

from collections import Counter
from collections.abc import Iterator

from lab.api.status import newest_minute
from lab.control.loop import Loop
from lab.control.world import World
from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.cloudwatch.emitted import EC2, RDS
from lab.core.cloudwatch.metric import Metric, dimensions
from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, OK, MetricAlarm
from lab.core.elbv2.exposition import Told, node_families
from lab.core.elbv2.model import LoadBalancer
from lab.core.prometheus import Family, Labels, gauge
from lab.core.rds.model import DBInstance

STATES = ("Pending", "InService", "Standby", "Terminating")
"""Of group members, always there; others when there are any."""
SIZES = {
    "desired_capacity": "Instances the group wants.",
    "min_size": "The least it may want.",
    "max_size": "The most it may want.",
}
_PERCENT = 100.0


def families(world: World, loop: Loop, compute: str) -> list[Family]:
    return [
        *_lab(world, loop, compute),
        *_groups(world),
        *_databases(world),
        *_alarms(world),
        *node_families(_told(world)),
    ]


def targets(world: World) -> list[dict[str, object]]:
    """Where the nodes serve metrics of their own, as Prometheus's HTTP service discovery has it (docs/prometheus/http_sd)."""
    return [{"targets": [one.report.metrics_at], "labels": one.labels} for one in _told(world) if one.report.metrics_at]


def _lab(world: World, loop: Loop, compute: str) -> list[Family]:
    clock = world.clock
    return [
        gauge("asg_lab_info", "The lab, and what its machines are.", [({"compute": compute}, 1)]),
        gauge("asg_lab_engine_up", "1 while the compute engine answers.", [({}, not loop.engine_problem)]),
        gauge("asg_lab_lab_time_seconds", "Lab time, since the epoch.", [({}, clock.now())]),
        gauge("asg_lab_speed_ratio", "Lab seconds in a wall second.", [({}, clock.speed)]),
    ]


def _groups(world: World) -> list[Family]:
    groups = world.store.all(AutoScalingGroup)
    return [
        *(
            gauge(f"asg_lab_group_{name}", text, [({"group": row.name}, getattr(row, name)) for row in groups])
            for name, text in SIZES.items()
        ),
        gauge("asg_lab_group_instances", "Members of the group by lifecycle state.", _members(world, groups)),
        gauge(
            "asg_lab_instance_cpu_utilization_ratio",
            "Share of the instance's own CPU allowance in the last full lab minute.",
            _instances(world),
        ),
    ]


def _members(world: World, groups: list[AutoScalingGroup]) -> Iterator[tuple[Labels, float]]:
    for group in groups:
        found = Counter(member.state for member in world.store.where(Member, "group", group.name))
        for state in dict.fromkeys((*STATES, *found)):
            yield {"group": group.name, "state": state}, found[state]


def _instances(world: World) -> Iterator[tuple[Labels, float]]:
    for member in world.store.all(Member):
        value = _newest(world, EC2, "CPUUtilization", {"InstanceId": member.instance_id})
        if value is not None:
            yield {"group": member.group, "instance": member.instance_id, "zone": member.zone}, value / _PERCENT


def _databases(world: World) -> list[Family]:
    rows = world.store.all(DBInstance)

    def newest(name: str, divisor: float) -> Iterator[tuple[Labels, float]]:
        for row in rows:
            value = _newest(world, RDS, name, {"DBInstanceIdentifier": row.identifier})
            if value is not None:
                yield {"database": row.identifier}, value / divisor

    available = [({"database": row.identifier}, row.status == "available") for row in rows]
    return [
        gauge("asg_lab_database_up", "1 while the database is available.", available),
        gauge(
            "asg_lab_database_connections", "Clients at the last full lab minute.", newest("DatabaseConnections", 1.0)
        ),
        gauge(
            "asg_lab_database_cpu_utilization_ratio",
            "Share of the database's own CPU allowance in the last full lab minute.",
            newest("CPUUtilization", _PERCENT),
        ),
    ]


def _alarms(world: World) -> list[Family]:
    samples = [
        ({"alarm": row.name, "state": state}, row.state == state)
        for row in world.store.all(MetricAlarm)
        for state in (OK, ALARM, INSUFFICIENT_DATA)
    ]
    return [gauge("asg_lab_alarm_state", "1 for the state that the alarm is in.", samples)]


def _told(world: World) -> list[Told]:
    told = []
    for balancer in world.store.all(LoadBalancer):
        ids = [node.node_id for node in balancer.nodes]
        live = {report.node_id for report in world.nodes.live(ids, world.clock.now())}
        reports = [report for report in map(world.nodes.report, ids) if report is not None]
        told += [Told(balancer.name, report, report.node_id in live) for report in reports]
    return told


def _newest(world: World, namespace: str, name: str, pairs: dict[str, str]) -> float | None:
    return newest_minute(world, Metric(namespace, name, dimensions(pairs)), world.clock.now())
