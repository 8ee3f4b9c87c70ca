"""`lab calibrate`"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli import client
from lab.cli.load import Duration

if TYPE_CHECKING:
    from lab.load.result import Result
    from lab.simulate.measured import Measured

HELP = """Measure what an instance of the running lab can do, and write it to FILE for `lab simulate --calibration`.

Sends light requests, a few of PATH, and then more of PATH than the instances can answer. Alarms do not change the group
meanwhile: its process AlarmNotification is suspended, and resumed at the end.
"""
LIGHT = "/health"
QUIET = 4.0
"""Requests per second for each instance."""
OVERLOAD = 1.6
"""Times what the quiet run lets expect of the instances."""
MINUTE = 60.0


@click.command(help=HELP)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--path", default="/burn?ms=25", show_default=True, help="What is asked of the instances.")
@click.option(
    "--for", "duration", default="10s", show_default=True, type=Duration(), help="How long each of the runs is."
)
def command(file: Path, path: str, duration: float) -> None:
    from lab.simulate.calibration import write
    from lab.simulate.measured import MeasuringError, calibration

    document = client.status()
    if not document["groups"] or not document["load_balancers"]:
        raise click.ClickException("there is no group behind a load balancer to measure: wait until the lab is up")
    group = document["groups"][0]["name"]
    with _left_alone(group):
        measured = _measure(document, path, duration)
    note = f"measured on {datetime.now(UTC):%Y-%m-%d}: {path}, {document['compute']}, {measured.instances} instances"
    try:
        found = calibration(measured, note)
        write(found, file)
    except MeasuringError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    click.echo(
        f"an instance of {measured.vcpus:g} vCPU answers {found.capacity * measured.vcpus:.1f} requests a second; "
        f"one takes {found.service_seconds * 1000:.1f} ms, {found.cpu_seconds * 1000:.1f} ms of them CPU\n"
        f"written to {file}"
    )


def _measure(document: dict[str, Any], path: str, duration: float) -> "Measured":
    from lab.core.ec2.catalogue import INSTANCE_TYPES
    from lab.simulate.measured import Measured

    group = document["groups"][0]
    serving = [
        row["id"] for row in group["instances"] if row["lifecycle"] == "InService" and row["target"] == "healthy"
    ]
    if not serving:
        raise click.ClickException("no instance is healthy: wait until `lab status` shows one")
    [first] = client.aws("ec2", "DescribeInstances", InstanceIds=serving[:1])["Reservations"][0]["Instances"]
    urls = [url for node in document["load_balancers"][0]["nodes"] for url in node["urls"] if url.startswith("http:")]
    light = _load(urls, LIGHT, 10.0, duration)
    idle = _cpu(serving, document["speed"], duration)
    quiet = _load(urls, path, QUIET * len(serving), duration)
    busy = _cpu(serving, document["speed"], duration)
    expected = len(serving) / max(quiet.latency.percentile(50.0) or 1.0, 0.001)
    flooded = _load(urls, path, OVERLOAD * expected, duration)
    return Measured(
        light=light.latency,
        quiet=quiet.latency,
        rate=QUIET,
        answered=flooded.ok / flooded.elapsed,
        instances=len(serving),
        vcpus=INSTANCE_TYPES[first["InstanceType"]].vcpus,
        idle=idle,
        busy=busy,
        launches=_launches(group["name"]),
    )


def _load(urls: list[str], path: str, rate: float, duration: float) -> "Result":
    import asyncio

    from lab.load import Plan, run

    click.echo(f"{rate:.0f} requests a second of {path} for {duration:g} s")
    # What waits in line at the end of a flood is let go after a while.
    plan = Plan(tuple(url + path for url in urls), rate, duration, timeout=max(10.0, 3.0 * duration))
    return asyncio.run(run(plan))


def _cpu(instances: list[str], speed: float, wall: float) -> float | None:
    """The mean CPUUtilization in the whole lab minutes of the last `wall` seconds; None when there is none."""
    now = client.status()["now"]
    first, end = -(-(now - wall * speed) // MINUTE) * MINUTE, now // MINUTE * MINUTE
    values = []
    for instance in instances if end > first else []:
        found = client.aws(
            "cloudwatch", "GetMetricStatistics", Namespace="AWS/EC2", MetricName="CPUUtilization",
            Dimensions=[{"Name": "InstanceId", "Value": instance}], StartTime=first, EndTime=end, Period=60,
            Statistics=["Average"],
        )  # fmt: skip
        values += [point["Average"] for point in found["Datapoints"]]
    return sum(values) / len(values) if values else None


def _launches(group: str) -> list[float]:
    rows = client.aws("autoscaling", "DescribeScalingActivities", AutoScalingGroupName=group)["Activities"]
    moment: Callable[[str], datetime] = datetime.fromisoformat
    return [
        (moment(row["EndTime"]) - moment(row["StartTime"])).total_seconds()
        for row in rows
        if row["Description"].startswith("Launching") and row["StatusCode"] == "Successful"
    ]


@contextmanager
def _left_alone(group: str) -> Iterator[None]:
    """No alarm changes the group inside; what somebody had suspended before stays so."""
    process = {"AutoScalingGroupName": group, "ScalingProcesses": ["AlarmNotification"]}
    [found] = client.aws("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[group])["AutoScalingGroups"]
    known = {row["ProcessName"] for row in found["SuspendedProcesses"]}
    if "AlarmNotification" in known:
        yield
        return
    client.aws("autoscaling", "SuspendProcesses", **process)
    try:
        yield
    finally:
        client.aws("autoscaling", "ResumeProcesses", **process)
