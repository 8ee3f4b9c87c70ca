"""What a simulated hour costs as instances and groups grow: `python -m bench.simulator`.

Each world is a process of its own: it is made by AWS's actions (networks, load balancers, groups, a target tracking policy for
each), brought up, and given a load that rises by half over the time, so that every group scales. Measured are CPU seconds per
simulated hour and the peak of the process's memory.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.options import RESULTS
from lab.load.shapes import shape
from lab.simulate.calibration import Calibration
from lab.simulate.recorder import Recorder
from lab.simulate.world import BEGIN, World

BALANCERS = 50
"""Load balancers of an account: so many groups stand behind one of their own, the others work as on a queue."""
REQUESTS = 10.0
"""Per second and instance at the beginning: half of what it can do."""


@dataclass(frozen=True, slots=True)
class Size:
    """`hours` are simulated."""

    name: str
    groups: int
    instances: int
    hours: float


SIZES = (
    Size("10 instances, a day", 1, 10, 24.0),
    Size("100 instances, a day", 1, 100, 24.0),
    Size("1 000 instances", 10, 1_000, 4.0),
    Size("10 000 instances", 20, 10_000, 1.0),
    Size("10 000 instances in 1 000 groups", 1_000, 10_000, 1.0),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """`setup` and `per_hour` are CPU seconds, `memory` the peak in MiB; `most` the instances in service at the end."""

    name: str
    groups: int
    instances: int
    hours: float
    setup: float
    per_hour: float
    memory: float
    most: int


def measure(size: Size) -> Cost:
    """In a new process, so that the peak of memory is this world's own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measure, (size,))


def _measure(size: Size) -> Cost:
    return asyncio.run(_play(size))


async def _play(size: Size) -> Cost:
    start = time.process_time()
    world = World(Calibration(launch_seconds=5.0, boot_seconds=20.0))
    _make(world, size)
    await _come_up(world, size.instances)
    recorder = Recorder(world, slo=1.0)
    up = time.process_time()
    rate = REQUESTS * size.instances / size.groups
    end = BEGIN + size.hours * 3600.0
    trace = shape(f"ramp:from={rate},to={1.5 * rate},at=0,over={size.hours}h,for={size.hours}h", 1)
    while world.now() < end:
        now = world.now()
        until = world.next_look()
        world.advance(until, lambda a, b: trace.requests(a - BEGIN, b - BEGIN))
        recorder.passed(until - now)
        await world.settle()
        recorder.look()
        if until % 60.0 == 0:
            recorder.sample()
    done = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    most = sum(record.capacities[-1].in_service for record in recorder.groups.values())
    assert most > 1.2 * size.instances, f"the groups did not follow the load: {most} instances"
    return Cost(size.name, size.groups, size.instances, size.hours, up - start, (done - up) / size.hours, memory, most)


def _make(world: World, size: Size) -> None:
    """The trace is played to each load balancer, and to each group without one."""
    call = world.lab.call
    vpc = call("ec2", "CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        call("ec2", "CreateSubnet", VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for block, zone in (("10.0.0.0/17", "us-east-1a"), ("10.0.128.0/17", "us-east-1b"))
    ]
    data = {"ImageId": "ami-00000000000000a99", "InstanceType": "t3.micro", "Monitoring": {"Enabled": True}}
    call("ec2", "CreateLaunchTemplate", LaunchTemplateName="app", LaunchTemplateData=data)
    for number in range(size.groups):
        arns = [_balancer(world, vpc, subnets, number)] if number < BALANCERS else []
        _group(world, f"group-{number}", size.instances // size.groups, subnets, arns)


def _balancer(world: World, vpc: str, subnets: Sequence[str], number: int) -> str:
    """A load balancer with its target group, whose ARN it gives."""
    made = world.lab.call(
        "elbv2", "CreateTargetGroup", Name=f"app-{number}", Protocol="HTTP", Port=8000, VpcId=vpc,
        HealthCheckIntervalSeconds=10, HealthCheckTimeoutSeconds=5,
    )  # fmt: skip
    target_group = str(made["TargetGroups"][0]["TargetGroupArn"])
    made = world.lab.call("elbv2", "CreateLoadBalancer", Name=f"web-{number}", Subnets=list(subnets))
    action = {"Type": "forward", "TargetGroupArn": target_group}
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    world.lab.call("elbv2", "CreateListener", LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
    return target_group


def _group(world: World, name: str, size: int, subnets: Sequence[str], target_groups: Sequence[str]) -> None:
    world.lab.call(
        "autoscaling", "CreateAutoScalingGroup", AutoScalingGroupName=name, MinSize=1, MaxSize=2 * size,
        DesiredCapacity=size, LaunchTemplate={"LaunchTemplateName": "app"}, VPCZoneIdentifier=",".join(subnets),
        TargetGroupARNs=list(target_groups), HealthCheckType="ELB", HealthCheckGracePeriod=300,
        DefaultInstanceWarmup=60,
    )  # fmt: skip
    tracking = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": 60.0,
    }
    world.lab.call(
        "autoscaling", "PutScalingPolicy", AutoScalingGroupName=name, PolicyName="cpu",
        PolicyType="TargetTrackingScaling", TargetTrackingConfiguration=tracking,
    )  # fmt: skip


async def _come_up(world: World, instances: int) -> None:
    await world.settle()
    while not (world.quiet() and len(world.fleet.hosts) == instances):
        assert world.now() < BEGIN - 600.0, f"{len(world.fleet.hosts)} of {instances} instances are up"
        world.advance(world.next_look(), lambda a, b: 0.0)
        await world.settle()
    world.advance(BEGIN, lambda a, b: 0.0)
    await world.settle()


def markdown(costs: Sequence[Cost], date: str) -> str:
    rows = [
        f"| {one.name} | {one.groups} | {one.hours:g} | {one.setup:.1f} s | {one.per_hour:.2f} s | "
        f"{one.setup + one.per_hour * one.hours:.1f} s | {one.memory:.0f} MiB |"
        for one in costs
    ]
    return "\n".join(
        [
            f"# The simulator measured on {date}",
            "",
            "| world | groups | simulated hours | coming up | CPU per simulated hour | in all | peak memory |",
            "| --- | --: | --: | --: | --: | --: | --: |",
            *rows,
            "",
            f"- machine: {machine.describe()}, Python {sys.version.split()[0]}",
            "- every group scales by half within the time; CPU seconds of one process",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.simulator", description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=range(len(SIZES)), help="which, by number from 0")
    parser.add_argument(
        "--keep", action="store_true", help=f"keep the results in {RESULTS}, as simulator-DATE.json and .md"
    )
    options = parser.parse_args()
    costs = []
    for number in options.sizes:
        costs.append(measure(SIZES[number]))
        print(json.dumps(asdict(costs[-1])), flush=True)
    date = datetime.now(UTC).date().isoformat()
    print(markdown(costs, date))
    if options.keep:
        keep(RESULTS, costs, date)


def keep(folder: Path, costs: Sequence[Cost], date: str) -> None:
    body = {"date": date, "machine": asdict(machine.describe()), "costs": [asdict(one) for one in costs]}
    (folder / f"simulator-{date}.json").write_text(json.dumps(body, indent=1) + "\n")
    (folder / f"simulator-{date}.md").write_text(markdown(costs, date))


if __name__ == "__main__":
    main()
