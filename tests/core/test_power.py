"""The states of an instance: what is asked, what is seen, and what its machine then needs (ec2:ec2-instance-lifecycle)."""

from typing import Any

import pytest

from lab.core.compute import Machine, MachineState, Role
from lab.core.ec2 import power
from lab.core.ec2.model import INSTANCE_STATE_CODES, Instance
from lab.core.ec2.power import Need
from tests.core.rows import NOW, instance

RUNNING, PAUSED, STOPPED = MachineState.RUNNING, MachineState.PAUSED, MachineState.STOPPED


def machine(state: MachineState | None, exit_code: int | None = None) -> Machine | None:
    if state is None:
        return None
    return Machine("i-1", Role.INSTANCE, state, exit_code=exit_code, endpoints={8000: ("10.0.0.4", 8000)})


def after(before: dict[str, Any], found: MachineState | None) -> Instance:
    return power.seen(instance("1", since=0.0, **before), machine(found, 137), NOW)


@pytest.mark.parametrize(
    ("before", "found", "state", "code"),
    [
        ({"state": "pending"}, RUNNING, "running", ""),
        ({"state": "pending", "tried": True}, STOPPED, "terminated", "Server.InternalError"),
        ({"state": "pending", "tried": True, "boots": 1}, STOPPED, "stopped", "Server.InternalError"),
        ({"state": "running"}, STOPPED, "stopped", "Client.InstanceInitiatedShutdown"),
        ({"state": "running"}, None, "terminated", "Client.UserInitiatedShutdown"),
        ({"state": "running", "reboot": "starting", "tried": True}, STOPPED, "stopped", "Client.InstanceInitiatedShutdown"),
        ({"state": "stopping"}, STOPPED, "stopped", ""),
        ({"state": "stopping", "hibernated": True}, PAUSED, "stopped", ""),
        ({"state": "stopping", "hibernated": True}, STOPPED, "stopped", ""),
        ({"state": "stopping"}, None, "terminated", "Client.UserInitiatedShutdown"),
        ({"state": "stopped"}, None, "terminated", "Client.UserInitiatedShutdown"),
        ({"state": "shutting-down"}, None, "terminated", "Client.UserInitiatedShutdown"),
    ],
)  # fmt: skip
def test_what_was_found_moves_the_state(
    before: dict[str, Any], found: MachineState | None, state: str, code: str
) -> None:
    row = after(before, found)
    assert (row.state, row.since, row.state_reason_code) == (state, NOW, code)


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ({"state": "pending"}, None),
        ({"state": "pending"}, STOPPED),
        ({"state": "pending"}, PAUSED),
        ({"state": "running"}, RUNNING),
        ({"state": "running"}, PAUSED),  # it hangs: that is for health checks to notice
        ({"state": "running", "reboot": "stopping"}, RUNNING),
        ({"state": "running", "reboot": "starting"}, STOPPED),
        ({"state": "running", "reboot": "starting"}, None),
        ({"state": "stopping"}, RUNNING),
        ({"state": "stopping"}, PAUSED),
        ({"state": "stopping", "hibernated": True}, RUNNING),
        ({"state": "stopped"}, STOPPED),
        ({"state": "stopped"}, RUNNING),
        ({"state": "stopped", "hibernated": True}, PAUSED),
        ({"state": "shutting-down"}, RUNNING),
        ({"state": "terminated"}, None),
        ({"state": "terminated"}, RUNNING),
    ],
)
def test_what_says_nothing_new_changes_nothing(before: dict[str, Any], found: MachineState | None) -> None:
    row = instance("1", since=0.0, **before)
    assert power.seen(row, machine(found), NOW) is row


def test_an_instance_that_runs_is_where_its_machine_listens() -> None:
    row = after({"state": "pending", "boots": 2, "tried": True, "hibernated": True}, RUNNING)
    assert row.endpoints == {"8000": "10.0.0.4:8000"}
    assert (row.boots, row.tried, row.hibernated) == (3, False, False)


def test_memory_that_is_lost_is_not_kept() -> None:
    assert not after({"state": "stopping", "hibernated": True}, STOPPED).hibernated
    assert not after({"state": "stopped", "hibernated": True}, STOPPED).hibernated
    assert after({"state": "stopping", "hibernated": True}, PAUSED).hibernated


def test_a_reboot_goes_through_its_two_phases_and_stays_running() -> None:
    row = instance("1", reboot="stopping")
    assert power.need(row, machine(RUNNING)) is Need.STOP
    row = power.seen(row, machine(STOPPED), NOW)
    assert (row.state, row.reboot) == ("running", "starting")
    assert power.need(row, machine(STOPPED)) is Need.LAUNCH
    row = power.seen(row, machine(RUNNING), NOW)
    assert (row.state, row.reboot) == ("running", "")
    assert power.need(row, machine(RUNNING)) is Need.NOTHING


@pytest.mark.parametrize(
    ("before", "found", "need"),
    [
        ({"state": "pending"}, None, Need.LAUNCH),
        ({"state": "pending"}, STOPPED, Need.LAUNCH),
        ({"state": "pending"}, PAUSED, Need.UNPAUSE),
        ({"state": "running"}, RUNNING, Need.NOTHING),
        ({"state": "running"}, PAUSED, Need.NOTHING),
        ({"state": "stopping"}, RUNNING, Need.STOP),
        ({"state": "stopping"}, PAUSED, Need.STOP),
        ({"state": "stopping", "hibernated": True}, RUNNING, Need.PAUSE),
        ({"state": "stopped"}, STOPPED, Need.NOTHING),
        ({"state": "stopped"}, RUNNING, Need.STOP),
        ({"state": "stopped", "hibernated": True}, RUNNING, Need.PAUSE),
        ({"state": "stopped", "hibernated": True}, PAUSED, Need.NOTHING),
        ({"state": "shutting-down"}, PAUSED, Need.TERMINATE),
        ({"state": "shutting-down"}, None, Need.NOTHING),
    ],
)
def test_what_a_machine_needs(before: dict[str, Any], found: MachineState | None, need: Need) -> None:
    assert power.need(instance("1", **before), machine(found)) is need


def test_a_start_that_is_refused_leaves_an_instance_that_ran_before_stopped() -> None:
    row = power.start_failed(instance("1", state="pending", boots=1), power.INTERNAL_ERROR, "the port is taken", NOW)
    assert (row.state, row.state_reason_message) == ("stopped", "Server.InternalError: the port is taken")
    row = power.start_failed(instance("1", state="pending"), power.INTERNAL_ERROR, "there is no image", NOW)
    assert (row.state, row.state_reason_message, row.endpoints) == ("terminated", "there is no image", {})


def test_every_state_is_one_of_awss() -> None:
    for answers in power.ASKED.values():
        assert set(answers) | set(answers.values()) <= set(INSTANCE_STATE_CODES)
