"""An instance's states: which request is answered in which state, what a look at its machine says, and what its machine
then needs (ec2:ec2-instance-lifecycle, ec2:Stop_Start, ec2:Hibernate). Pure.

    (launched) ──▶ pending ──▶ running ──StopInstances──▶ stopping ──▶ stopped ──StartInstances──▶ pending …
                                  │ its machine died ───────────────▶ stopped
                      any of them ──TerminateInstances──▶ shutting-down ──▶ terminated

Hibernation is what AWS promises of it: memory is kept and goes on where it was. The lab's machine is paused for that.
A reboot leaves the state `running`. It has two phases, each a row that is committed before its effect begins, so that an
instance reboots once, however often the control plane dies meanwhile: `stopping` until its machine was seen stopped, then
`starting` until it was seen running.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto
from typing import Any

from lab.core.compute import Machine, MachineState
from lab.core.ec2.model import Instance

USER_SHUTDOWN = ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown")
USER_HIBERNATE = ("Client.UserInitiatedHibernate", "Client.UserInitiatedHibernate: User initiated hibernate")
ITS_OWN_SHUTDOWN = ("Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown")
INTERNAL_ERROR = "Server.InternalError"

ASKED: Mapping[str, Mapping[str, str]] = {
    "stopped": {"running": "stopping", "stopping": "stopping", "stopped": "stopped"},
    "started": {"stopped": "pending", "pending": "pending", "running": "running"},
    "rebooted": {"running": "running", "shutting-down": "shutting-down", "terminated": "terminated"},
}
"""What is asked of an instance, by state: the state it then has. In any other the request is an error. AWS passes over
requests to reboot what is terminated (bc:ec2.RebootInstances)."""


def stopped(instance: Instance, now: float, *, hibernate: bool) -> Instance:
    code, message = USER_HIBERNATE if hibernate else USER_SHUTDOWN
    return _changed(instance, "stopping", now, code, message, hibernated=hibernate, reboot="")


def started(instance: Instance, now: float) -> Instance:
    """AWS's LaunchTime is that of the last start."""
    return _changed(instance, "pending", now, "", "", launch_time=now, tried=False)


def seen(instance: Instance, machine: Machine | None, now: float) -> Instance:
    """The row brought up to its machine as it was found; the same row when that says nothing new."""
    state = None if machine is None else machine.state
    match instance.state, state:
        case "running", None if instance.reboot == "starting":  # on its way up
            return instance
        case (("running" | "stopping" | "stopped" | "shutting-down"), None):
            return terminated(instance, instance.state_reason_code, instance.state_reason_message, now)
        case "pending", MachineState.RUNNING if machine is not None:
            return _runs(instance, machine, now)
        case "pending", MachineState.STOPPED if machine is not None and instance.tried:
            return start_failed(
                instance, INTERNAL_ERROR, f"the machine ended{_exit(machine)} right after its start", now
            )
        case "running", MachineState.RUNNING if instance.reboot == "starting":
            return replace(instance, reboot="", tried=False)
        case "running", MachineState.STOPPED if instance.reboot == "stopping":
            return replace(instance, reboot="starting", tried=False)
        case "running", MachineState.STOPPED if not instance.reboot or instance.tried:
            return _changed(instance, "stopped", now, *ITS_OWN_SHUTDOWN, reboot="")
        case "stopping", MachineState.STOPPED:
            return replace(instance, state="stopped", since=now, hibernated=False)
        case "stopping", MachineState.PAUSED if instance.hibernated:
            return replace(instance, state="stopped", since=now)
        case "stopped", MachineState.STOPPED if instance.hibernated:  # its memory is lost: the next start is a boot
            return replace(instance, hibernated=False)
    return instance


class Need(Enum):
    """What has to be done to a machine."""

    NOTHING = auto()
    LAUNCH = auto()
    UNPAUSE = auto()
    STOP = auto()
    PAUSE = auto()
    TERMINATE = auto()


def need(instance: Instance, machine: Machine | None) -> Need:
    """What brings the instance's machine to where its row wants it."""
    state = MachineState.STOPPED if machine is None else machine.state
    match instance.state, state:
        case "pending", MachineState.PAUSED:
            return Need.UNPAUSE
        case "pending", _:
            return Need.LAUNCH
        case "running", MachineState.STOPPED if instance.reboot == "starting":
            return Need.LAUNCH
        case "running", MachineState.RUNNING | MachineState.PAUSED if instance.reboot == "stopping":
            return Need.STOP
        case (("stopping" | "stopped"), MachineState.RUNNING) if instance.hibernated:
            return Need.PAUSE
        case (("stopping" | "stopped"), MachineState.RUNNING | MachineState.PAUSED) if not instance.hibernated:
            return Need.STOP
        case "shutting-down", _ if machine is not None:
            return Need.TERMINATE
    return Need.NOTHING


def start_failed(instance: Instance, code: str, why: str, now: float) -> Instance:
    """It could not be started: a new instance is terminated, one that ran before is stopped as it was."""
    if instance.boots == 0:
        return terminated(instance, code, why, now)
    return _changed(instance, "stopped", now, code, f"{code}: {why}", reboot="", hibernated=False)


def terminated(instance: Instance, code: str, message: str, now: float) -> Instance:
    code, message = (code, message) if code else USER_SHUTDOWN
    return _changed(instance, "terminated", now, code, message, endpoints={}, reboot="", hibernated=False)


def _runs(instance: Instance, machine: Machine, now: float) -> Instance:
    endpoints = {str(port): f"{host}:{number}" for port, (host, number) in machine.endpoints.items()}
    return replace(
        instance,
        state="running",
        since=now,
        endpoints=endpoints,
        boots=instance.boots + 1,
        tried=False,
        hibernated=False,
    )


def _changed(instance: Instance, state: str, now: float, code: str, message: str, **more: Any) -> Instance:
    return replace(instance, state=state, since=now, state_reason_code=code, state_reason_message=message, **more)


def _exit(machine: Machine) -> str:
    return "" if machine.exit_code is None else f" with exit code {machine.exit_code}"
