"""Instances stopped, started and rebooted by AWS's actions: which states answer how (ec2:Stop_Start)."""

from dataclasses import replace

import pytest

from lab.core.ec2.model import Instance
from lab.core.times import moment
from tests.actions.conftest import Site

ANSWERS = {
    "StopInstances": {"running": "stopping", "stopping": "stopping", "stopped": "stopped"},
    "StartInstances": {"stopped": "pending", "pending": "pending", "running": "running"},
}
STATES = ("pending", "running", "stopping", "stopped", "shutting-down", "terminated")


def put(site: Site, state: str, **more: object) -> None:
    row = site.aws.store.get(Instance, site.instance)
    assert row is not None
    site.aws.store.put(replace(row, state=state, **more))  # type: ignore[arg-type]  # names of fields, from the test


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ANSWERS)
def test_each_state_answers_as_awss(site: Site, action: str, state: str) -> None:
    put(site, state)
    if state not in ANSWERS[action]:
        assert site.aws.refusal("ec2", action, InstanceIds=[site.instance]) == "IncorrectInstanceState"
        return
    [[change]] = site.aws("ec2", action, InstanceIds=[site.instance]).values()
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == (state, ANSWERS[action][state])


@pytest.mark.parametrize("state", STATES)
def test_only_what_runs_reboots_and_what_is_terminated_is_passed_over(site: Site, state: str) -> None:
    put(site, state)
    if state in ("running", "shutting-down", "terminated"):
        assert site.aws("ec2", "RebootInstances", InstanceIds=[site.instance]) == {}
        row = site.aws.store.get(Instance, site.instance)
        assert row is not None
        assert (row.state, row.reboot) == (state, "stopping" if state == "running" else "")
    else:
        assert site.aws.refusal("ec2", "RebootInstances", InstanceIds=[site.instance]) == "IncorrectInstanceState"


def described(site: Site) -> dict[str, object]:
    found = site.aws("ec2", "DescribeInstances", InstanceIds=[site.instance])
    instance: dict[str, object] = found["Reservations"][0]["Instances"][0]
    return instance


def test_why_an_instance_stopped_is_said_in_awss_words(site: Site) -> None:
    site.aws("ec2", "StopInstances", InstanceIds=[site.instance])
    shown = described(site)
    assert shown["StateTransitionReason"] == "User initiated (2023-11-14 22:13:20 GMT)"
    assert shown["StateReason"] == {
        "Code": "Client.UserInitiatedShutdown",
        "Message": "Client.UserInitiatedShutdown: User initiated shutdown",
    }


def test_a_start_is_a_launch(site: Site) -> None:
    put(site, "stopped", state_reason_code="Client.UserInitiatedShutdown", state_reason_message="text")
    site.aws.now += 3600
    site.aws("ec2", "StartInstances", InstanceIds=[site.instance])
    shown = described(site)
    assert "StateReason" not in shown
    assert shown["StateTransitionReason"] == ""
    assert shown["LaunchTime"] == moment(site.aws.now)


def test_only_an_instance_made_for_it_hibernates(site: Site) -> None:
    refused = site.aws.refusal("ec2", "StopInstances", InstanceIds=[site.instance], Hibernate=True)
    assert refused == "UnsupportedHibernationConfiguration"
    template = site.aws.launch_template("sleeper", HibernationOptions={"Configured": True})
    sleeper = site.aws.instance(template, site.a)
    site.aws("ec2", "StopInstances", InstanceIds=[sleeper], Hibernate=True)
    row = site.aws.store.get(Instance, sleeper)
    assert row is not None
    assert (row.state, row.hibernated, row.state_reason_code) == ("stopping", True, "Client.UserInitiatedHibernate")


def test_one_that_cannot_be_asked_stops_the_whole_request(site: Site) -> None:
    other = site.aws.instance(site.template, site.a, state="terminated")
    asked = [site.instance, other]
    assert site.aws.refusal("ec2", "StopInstances", InstanceIds=asked) == "IncorrectInstanceState"
    assert site.aws.refusal("ec2", "StopInstances", InstanceIds=["i-0"]) == "InvalidInstanceID.NotFound"
