"""Members that have come one state further since the last look."""

from collections.abc import Iterator, Sequence

from lab.core.autoscaling.steps import EnterService, Forget, LaunchFailed, Step, TerminateInstance
from lab.core.autoscaling.view import DEAD, MemberView


def progress(views: Sequence[MemberView]) -> Iterator[Step]:
    for view in views:
        match view.member.state, view.instance_state:
            case "Pending", "running":
                yield EnterService(view.id)
            case "Pending", state if state in DEAD:
                yield LaunchFailed(view.id, view.state_reason)
            case "Terminating", "terminated" | "":
                yield Forget(view.id)
            case "Terminating", "running" | "stopped" if view.drained or view.instance_state == "stopped":
                yield TerminateInstance(view.id)
