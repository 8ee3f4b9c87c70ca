"""stacks/web.yaml from nothing to nothing: created, updated, rolled back, deleted, and killed on the way."""

import base64
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint
from pydantic import TypeAdapter

from lab.core.errors import LabError, ValidationError
from lab.stack import actions
from lab.stack.model import Resource, Stack, StackEvent
from tests.stack.fakes import Thing, World

WEB = (Path(__file__).parents[2] / "stacks" / "web.yaml").read_text()
PASSWORD = "R4nd0mPassw0rd"


def create(world: World, template: str = WEB, **more: Any) -> None:
    actions.create_stack(world.context, {"StackName": "web", "TemplateBody": template, **more})


def update(world: World, template: str = WEB, **parameters: str) -> None:
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    actions.update_stack(world.context, {"StackName": "web", "TemplateBody": template, "Parameters": given})


def described(world: World) -> dict[str, Any]:
    stack: dict[str, Any] = actions.describe_stacks(world.context, {"StackName": "web"})["Stacks"][0]
    return stack


def status(world: World) -> str:
    return world.store.all(Stack)[-1].status


@pytest.fixture
def made() -> World:
    world = World()
    create(world)
    world.run()
    assert status(world) == "CREATE_COMPLETE", events(world)
    return world


def events(world: World) -> list[str]:
    return [f"{one.logical_id} {one.status} {one.reason}".strip() for one in world.store.all(StackEvent)]


def test_create_makes_every_resource_once(made: World) -> None:
    assert set(made.statuses().values()) == {"CREATE_COMPLETE"}
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described(made)["Outputs"]}
    assert outputs["URL"].startswith("http://web-")
    assert outputs["DatabaseEndpoint"].endswith(".rds.example")
    [database] = made.aws.requests("CreateDBInstance")
    assert (database["MasterUsername"], database["MasterUserPassword"]) == ("shop", PASSWORD)
    [group] = made.aws.requests("CreateAutoScalingGroup")
    assert (group["MinSize"], group["MaxSize"], group["LaunchTemplate"]["Version"]) == (2, 6, "1")


def test_user_data_carries_the_database(made: World) -> None:
    [request] = made.aws.requests("CreateLaunchTemplate")
    text = base64.b64decode(request["LaunchTemplateData"]["UserData"]).decode()
    assert text.startswith("#cloud-config\n")
    lines = [line.strip() for line in text.splitlines()]
    assert f"DATABASE_PASSWORD={PASSWORD}" in lines
    assert "DATABASE_PORT=5432" in lines
    assert "APP_VERSION=1" in lines


def test_secrets_stay_out_of_rows_and_events(made: World) -> None:
    rows: list[Any] = [*made.store.all(Stack), *made.store.all(Resource), *made.store.all(StackEvent)]
    for row in rows:
        text = repr(asdict(row))
        assert PASSWORD not in text
        for user_data in re.findall(r"'UserData': '([^']+)'", text):
            assert PASSWORD not in base64.b64decode(user_data).decode()


def test_rows_survive_json(made: World) -> None:
    for cls in (Stack, Resource, StackEvent):
        adapter: TypeAdapter[Any] = TypeAdapter(cls)
        for row in made.store.all(cls):
            assert adapter.validate_json(adapter.dump_json(row)) == row


def test_events_tell_the_story(made: World) -> None:
    told = events(made)
    assert told[0] == "web CREATE_IN_PROGRESS User Initiated"
    assert [line for line in told if line.startswith("Vpc ")] == [
        "Vpc CREATE_IN_PROGRESS",
        "Vpc CREATE_IN_PROGRESS Resource creation Initiated",
        "Vpc CREATE_COMPLETE",
    ]
    assert told[-1] == "web CREATE_COMPLETE"
    assert told.index("Listener CREATE_COMPLETE") < told.index("WebGroup CREATE_IN_PROGRESS")


def test_update_makes_a_version_and_points_the_group_at_it(made: World) -> None:
    before = len(made.aws.operations())
    update(made, AppVersion="2")
    made.run()
    assert status(made) == "UPDATE_COMPLETE"
    assert made.aws.operations()[before:] == [
        "CreateLaunchTemplateVersion",
        "UpdateAutoScalingGroup",
        "CreateOrUpdateTags",
    ]
    assert made.aws.requests("UpdateAutoScalingGroup")[0]["LaunchTemplate"]["Version"] == "2"
    assert {name for name, was in made.statuses().items() if was == "UPDATE_COMPLETE"} == {"LaunchTemplate", "WebGroup"}


def test_update_sends_what_changed_and_no_secret_again(made: World) -> None:
    update(made, WEB.replace('AllocatedStorage: "20"', 'AllocatedStorage: "30"'))
    made.run()
    [request] = made.aws.requests("ModifyDBInstance")
    name = made.aws.requests("CreateDBInstance")[0]["DBInstanceIdentifier"]
    assert request == {"DBInstanceIdentifier": name, "ApplyImmediately": True, "AllocatedStorage": 30}


def test_update_without_a_difference_is_refused(made: World) -> None:
    with pytest.raises(ValidationError, match="No updates are to be performed"):
        update(made)


def test_update_that_replaces_is_refused_whole(made: World) -> None:
    changed = WEB.replace("10.0.0.0/16", "10.9.0.0/16").replace("Port: 8000\n      Health", "Port: 8001\n      Health")
    before = made.aws.operations()
    with pytest.raises(ValidationError, match="needs replacement") as caught:
        update(made, changed, CpuTarget="60")
    assert "Vpc (AWS::EC2::VPC): CidrBlock" in str(caught.value)
    assert "TargetGroup (AWS::ElasticLoadBalancingV2::TargetGroup): Port" in str(caught.value)
    assert (made.aws.operations(), status(made)) == (before, "CREATE_COMPLETE")


def test_update_adds_and_removes(made: World) -> None:
    alarm = """
  Busy:
    Type: AWS::CloudWatch::Alarm
    Properties: { ComparisonOperator: GreaterThanThreshold, EvaluationPeriods: 1, MetricName: M, Threshold: 1 }

Outputs:
"""
    start, end = WEB.index("  CpuPolicy:"), WEB.index("Outputs:")
    before = len(made.aws.operations())
    update(made, WEB[:start] + WEB[end:].replace("Outputs:\n", alarm, 1))
    made.run()
    assert made.aws.operations()[before:] == ["PutMetricAlarm", "DeletePolicy"]
    assert (made.statuses()["Busy"], made.statuses()["CpuPolicy"]) == ("CREATE_COMPLETE", "DELETE_COMPLETE")


def test_failed_update_goes_back(made: World) -> None:
    made.aws.refuse["PutScalingPolicy"] = LabError("LimitExceeded", "too many policies")
    update(made, AppVersion="2", CpuTarget="70")
    made.run()
    told = events(made)
    assert any(line.startswith("CpuPolicy UPDATE_FAILED too many policies (Service: AutoScaling") for line in told)
    assert "web UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update: [CpuPolicy]." in told
    assert status(made) == "UPDATE_ROLLBACK_COMPLETE"
    assert {one["ParameterKey"]: one["ParameterValue"] for one in described(made)["Parameters"]}["AppVersion"] == "1"
    [data] = [one for one in made.store.all(Thing) if one.kind == "lt"]
    assert b"APP_VERSION=1" in base64.b64decode(data.request["LaunchTemplateData"]["UserData"])


def test_failed_create_rolls_back_in_reverse() -> None:
    world = World()
    world.aws.refuse["CreateAutoScalingGroup"] = LabError("ValidationError", f"no such image {PASSWORD}")
    create(world)
    world.run()
    assert status(world) == "ROLLBACK_COMPLETE", events(world)
    assert world.store.all(Thing) == []
    assert (
        "web ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [WebGroup]. Rollback requested by user."
        in events(world)
    )
    with pytest.raises(LabError, match=r"Stack \[web\] already exists"):
        create(world)


def test_a_failed_state_rolls_back_and_cancels() -> None:
    world = World()
    world.aws.broken.add("lb")
    create(world)
    world.run()
    assert status(world) == "ROLLBACK_COMPLETE", events(world)
    assert "LoadBalancer CREATE_FAILED no free addresses" in events(world)
    assert "Database CREATE_FAILED Resource creation cancelled" in events(world)
    assert world.store.all(Thing) == []


@pytest.mark.parametrize(("policy", "end"), [("DO_NOTHING", "CREATE_FAILED"), ("DELETE", "DELETE_COMPLETE")])
def test_on_failure(policy: str, end: str) -> None:
    world = World()
    world.aws.refuse["CreateListener"] = LabError("DuplicateListener", "there is one")
    create(world, OnFailure=policy)
    world.run()
    assert status(world) == end


def test_delete_leaves_nothing(made: World) -> None:
    actions.delete_stack(made.context, {"StackName": "web"})
    made.run()
    assert status(made) == "DELETE_COMPLETE", events(made)
    assert made.store.all(Thing) == []
    with pytest.raises(ValidationError, match="Stack with id web does not exist"):
        described(made)
    assert actions.list_stacks(made.context, {})["StackSummaries"][0]["StackStatus"] == "DELETE_COMPLETE"
    create(made)
    made.run()
    assert status(made) == "CREATE_COMPLETE"


def test_delete_keeps_what_is_to_be_retained() -> None:
    world = World()
    create(world, WEB.replace("DeletionPolicy: Delete # a lab", "DeletionPolicy: Retain # a lab"))
    world.run()
    actions.delete_stack(world.context, {"StackName": "web"})
    world.run()
    assert status(world) == "DELETE_FAILED"  # the database's network cannot go while it stays
    assert world.statuses()["Database"] == "DELETE_SKIPPED"
    assert world.statuses()["WebGroup"] == "DELETE_COMPLETE"
    assert "db" in {one.kind for one in world.store.all(Thing)}


@pytest.mark.parametrize("offset", range(13))
def test_kill_minus_nine_loses_nothing_and_repeats_nothing(made: World, offset: int) -> None:
    """The process ends at every 13th write; the offsets together hit every write of the story."""
    world = World()
    world.store.writes = offset

    def with_crashes() -> None:
        world.store.crash_every = 13
        world.run()
        world.store.crash_every = 0

    create(world)
    with_crashes()
    assert (status(world), world.statuses()) == (status(made), made.statuses())
    assert sorted(world.aws.operations()) == sorted(made.aws.operations())
    update(world, AppVersion="2")
    with_crashes()
    assert status(world) == "UPDATE_COMPLETE"
    assert len(world.aws.operations()) == len(made.aws.operations()) + 3
    actions.delete_stack(world.context, {"StackName": "web"})
    with_crashes()
    assert (status(world), world.store.all(Thing)) == ("DELETE_COMPLETE", [])
    assert world.store.crashes > 30


def test_cfn_lint_finds_nothing() -> None:
    assert lint(WEB, config=ManualArgs(regions=["us-east-1"], include_checks=["I"])) == []


def listeners(world: World) -> dict[int, dict[str, Any]]:
    return {request["Port"]: request for request in world.aws.requests("CreateListener")}


def test_https_has_the_stacks_certificate_and_a_modern_policy(made: World) -> None:
    [certificate] = made.aws.requests("RequestCertificate")
    assert certificate == {"DomainName": "shop.lab.local", "ValidationMethod": "DNS", "KeyAlgorithm": "EC_prime256v1"}
    https = listeners(made)[443]
    assert (https["Protocol"], https["SslPolicy"]) == ("HTTPS", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06")
    [thing] = [one for one in made.store.all(Thing) if one.kind == "certificate"]
    assert https["Certificates"] == [{"CertificateArn": thing.id}]
    assert https["DefaultActions"] == listeners(made)[80]["DefaultActions"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described(made)["Outputs"]}
    assert outputs["SecureURL"] == "https://shop.lab.local"


def test_http_leads_on_to_https_when_it_is_asked_to(made: World) -> None:
    update(made, RedirectHttp="true", HttpsPort="9443")
    made.run()
    [changed] = made.aws.requests("ModifyListener")
    assert changed["DefaultActions"] == [
        {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "9443", "StatusCode": "HTTP_301"}}
    ]
    update(made, RedirectHttp="false")
    made.run()
    assert made.aws.requests("ModifyListener")[1]["DefaultActions"] == listeners(made)[443]["DefaultActions"]
