"""The acts of a drill, done to a running lab by its own API, as a person would: each gives what it hit."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from lab.cli import client
from lab.cli.site import process_pid_file, settings
from lab.drill.figures import DATABASE
from lab.drill.model import Act
from lab.drill.samples import Sample

ALARM = "lab-drill-unhealthy"
DOWN = 3.0
"""Seconds for which a control plane stays dead."""
VERSION_LINE = re.compile(r"^( *)APP_VERSION=.*$", re.MULTILINE)


def do(act: Act, before: Sample) -> list[str]:
    """Raises ClickException."""
    return ACTS[act.kind](act, before)


def _kill(act: Act, before: Sample) -> list[str]:
    match act.what:
        case "instance":
            victim = _victim(before)
            client.post(f"/lab/instances/{victim}/kill")
            return [victim]
        case "database":
            client.post(f"/lab/instances/{first('databases', 'database')['machine']}/kill")
            return [DATABASE]
        case _:
            _kill_control()
            return []


def _kill_control() -> None:
    """SIGKILL, and after a while another, which is what whoever runs the lab would do."""
    document = client.status()
    name = f"{settings().owner}-control-1"
    if document["compute"] == "docker":
        subprocess.run(["docker", "kill", name], check=True, capture_output=True)
        time.sleep(DOWN)
        subprocess.run(["docker", "start", name], check=True, capture_output=True)
    else:
        os.kill(json.loads(process_pid_file().read_text())["pid"], signal.SIGKILL)
        time.sleep(DOWN)
        up = [sys.executable, "-c", "from lab.cli.main import main; main()", "up", "--no-wait"]
        subprocess.run(up, check=True, capture_output=True)
    client.wait_until_there(30.0)


def _fault(act: Act, before: Sample) -> list[str]:
    victim = _victim(before)
    client.post(f"/lab/instances/{victim}/fault", act.fault)
    return [victim]


def _zone(act: Act, before: Sample) -> list[str]:
    zone = client.post(f"/lab/zones/{act.what}/fail")["zone"]
    return [name for name, seen in before.instances.items() if seen.zone == zone]


def _capacity(act: Act, before: Sample) -> list[str]:
    set_capacity(int(act.what))
    return []


def _deploy(act: Act, before: Sample) -> list[str]:
    """A new launch template version, rolled out by an instance refresh that an alarm takes back."""
    found = group()
    template = found["LaunchTemplate"]
    identity = {"LaunchTemplateId": template["LaunchTemplateId"]}
    versions = client.aws("ec2", "DescribeLaunchTemplateVersions", Versions=[template["Version"]], **identity)
    data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    changed = {**data, "UserData": rewritten(data["UserData"], broken=act.what == "broken")}
    made = client.aws("ec2", "CreateLaunchTemplateVersion", LaunchTemplateData=changed, **identity)
    number = str(made["LaunchTemplateVersion"]["VersionNumber"])
    preferences = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150, "AutoRollback": True}
    client.aws(
        "autoscaling",
        "StartInstanceRefresh",
        AutoScalingGroupName=found["AutoScalingGroupName"],
        DesiredConfiguration={"LaunchTemplate": {**identity, "Version": number}},
        Preferences={**preferences, "AlarmSpecification": {"Alarms": [ALARM]}},
    )
    return []


def rewritten(user_data: str, *, broken: bool) -> str:
    """The user data of a build that does not work, or of another that does. Raises ClickException for another stack."""
    text = base64.b64decode(user_data).decode()
    build = "APP_VERSION=broken\n\\1FAULT=fail" if broken else "APP_VERSION=next"
    changed, count = VERSION_LINE.subn(rf"\1{build}", text)
    if count == 0:
        raise click.ClickException(
            "the launch template's user data has no APP_VERSION: this drill needs the default stack"
        )
    return base64.b64encode(changed.encode()).decode()


def _victim(before: Sample) -> str:
    """The first that serves, by name, so that a drill does the same each time."""
    serving = sorted(name for name, seen in before.instances.items() if seen.serves)
    if not serving:
        raise click.ClickException("no instance serves, so none can be hit")
    return serving[0]


ACTS: dict[str, Callable[[Act, Sample], list[str]]] = {
    "kill": _kill,
    "fault": _fault,
    "zone": _zone,
    "capacity": _capacity,
    "deploy": _deploy,
}


def group() -> dict[str, Any]:
    """As DescribeAutoScalingGroups has it. Raises ClickException where nobody could say who serves."""
    name = first("groups", "Auto Scaling group")["name"]
    [found] = client.aws("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not found["TargetGroupARNs"]:
        raise click.ClickException(f"the group {name} has no target group, which a drill needs to see who serves")
    return dict(found)


def first(kind: str, word: str) -> dict[str, Any]:
    """The first of the status's rows of a kind, which is the one that a drill is about. Raises ClickException without any."""
    rows: list[dict[str, Any]] = client.status()[kind]
    if not rows:
        raise click.ClickException(f"the lab has no {word}, which this drill needs")
    return rows[0]


def urls(path: str) -> list[str]:
    """Of the path on each node of the first load balancer. Raises ClickException without one."""
    found = [
        f"{url}{path}"
        for balancer in client.status()["load_balancers"][:1]
        for node in balancer["nodes"]
        for url in node["urls"]
        if url.startswith("http:")
    ]
    if not found:
        raise click.ClickException("no load balancer listens for HTTP here")
    return found


# ── Before and after ──────────────────────────────────────────────────────────────────────────────────────────────


def prepare(acts: tuple[Act, ...]) -> None:
    """The alarm that takes a bad deployment back has to be there, and calm, before."""
    if not any(act.kind == "deploy" for act in acts):
        return
    arn = group()["TargetGroupARNs"][0]
    [target_group] = client.aws("elbv2", "DescribeTargetGroups", TargetGroupArns=[arn])["TargetGroups"]
    balancer = target_group["LoadBalancerArns"][0]
    dimensions = {
        "TargetGroup": arn.rpartition(":")[2],
        "LoadBalancer": balancer.rpartition(":loadbalancer/")[2],
    }
    client.aws(
        "cloudwatch",
        "PutMetricAlarm",
        AlarmName=ALARM,
        Namespace="AWS/ApplicationELB",
        MetricName="UnHealthyHostCount",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )


def ready(acts: tuple[Act, ...]) -> str:
    """What `prepare` made and is not ready, empty when all is."""
    if not any(act.kind == "deploy" for act in acts):
        return ""
    [alarm] = client.aws("cloudwatch", "DescribeAlarms", AlarmNames=[ALARM])["MetricAlarms"]
    return "" if alarm["StateValue"] == "OK" else f"the alarm {ALARM} is {alarm['StateValue']}"


def put_away(acts: tuple[Act, ...]) -> None:
    """What `prepare` made."""
    if any(act.kind == "deploy" for act in acts):
        client.aws("cloudwatch", "DeleteAlarms", AlarmNames=[ALARM])


def clean(acts: tuple[Act, ...]) -> None:
    """Take back what the acts did and the lab does not by itself."""
    for act in acts:
        if act.kind == "zone":
            client.post(f"/lab/zones/{act.what}/recover")
        elif act.kind == "fault":
            _unfault()


def _unfault() -> None:
    """Of those that still live; one that was replaced took its fault along."""
    for row in first("groups", "Auto Scaling group")["instances"]:
        if row["lifecycle"] == "InService":
            client.post(f"/lab/instances/{row['id']}/fault", {"health": "ok"})


def settle_capacity(wanted: int, now: Sample) -> None:
    """Bring the desired capacity back, once no alarm would move it again."""
    if now.desired != wanted and not any("AlarmHigh" in name for name in now.alarms):
        set_capacity(wanted)


def set_capacity(wanted: int) -> None:
    group = first("groups", "Auto Scaling group")["name"]
    client.aws("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=group, DesiredCapacity=wanted)
