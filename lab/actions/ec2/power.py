"""Instances stopped, started and rebooted (aws-facts §7.3; ec2:Stop_Start). `lab.core.ec2.power` has the rules."""

from dataclasses import replace

from lab.actions.context import Context, Request, Response, reads
from lab.actions.ec2.instances import changes, get_instance
from lab.core.ec2 import power
from lab.core.ec2.model import Instance
from lab.core.errors import LabError


@reads("InstanceIds", "Hibernate", "Force")
def stop_instances(context: Context, request: Request) -> Response:
    """What does not end in time is killed, with `Force` and without: it is all the same here. Hibernating keeps the memory."""
    found = _asked(context, request, "stopped")
    hibernate = request.get("Hibernate", False)
    for instance in found:
        if hibernate and not instance.hibernation:
            raise LabError(
                "UnsupportedHibernationConfiguration",
                f"Instance is not configured for hibernation: {instance.instance_id}. Launch it from a template with "
                "HibernationOptions.Configured",
            )
        stop(context, instance, hibernate=hibernate)
    return {"StoppingInstances": changes(context, found)}


def stop(context: Context, instance: Instance, *, hibernate: bool) -> None:
    """The row → stopping if it runs."""
    if instance.state == "running":
        context.store.put(power.stopped(instance, context.now, hibernate=hibernate))


@reads("InstanceIds", "AdditionalInfo")
def start_instances(context: Context, request: Request) -> Response:
    found = _asked(context, request, "started")
    for instance in found:
        start(context, instance)
    return {"StartingInstances": changes(context, found)}


def start(context: Context, instance: Instance) -> None:
    """The row → pending if it is stopped."""
    if instance.state == "stopped":
        context.store.put(power.started(instance, context.now))


@reads("InstanceIds")
def reboot_instances(context: Context, request: Request) -> Response:
    for instance in _asked(context, request, "rebooted"):
        if instance.state == "running" and not instance.reboot:
            context.store.put(replace(instance, reboot="stopping"))
    return {}


def _asked(context: Context, request: Request, word: str) -> list[Instance]:
    """The instances of the request, all in a state from which they can be `word`."""
    found = [get_instance(context, instance_id) for instance_id in request["InstanceIds"]]
    for instance in found:
        if instance.state not in power.ASKED[word]:
            text = f"The instance '{instance.instance_id}' is not in a state from which it can be {word}."
            raise LabError("IncorrectInstanceState", f"{text} It is {instance.state}")
    return found
