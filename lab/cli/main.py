"""The `lab` command: its verbs, and what an exit code means.

0  done                     1  it did not work; the message says why and what to do
2  the command line is off  3  no lab answers
"""

import importlib
import sys

import click

VERBS = {
    "up": "Start the lab and wait until it serves.",
    "down": "Stop the lab and remove everything it made.",
    "status": "Show zones, nodes, instances, alarms and what happened last.",
    "deploy": "Create or update a stack from a CloudFormation template.",
    "activities": "Show the scaling activities of the groups, with their causes; or side by side.",
    "why": "Tell the last decisions about a group's capacity in sentences.",
    "reach": "Tell hop by hop whether packets get from one place to another, and why not.",
    "kill": "Crash an instance, a node or the database (SIGKILL).",
    "fail": "Fail an availability zone, or a machine's network, on purpose.",
    "recover": "End what `lab fail` began.",
    "load": "Send requests at a steady rate and measure them.",
    "drill": "Run planned failures under load, measure them, hold them to what is expected.",
    "class": "Give a lesson of drills: the question, the lab live on the projector, the answer.",
    "speed": "Show or change how fast lab time runs.",
    "simulate": "Play a load trace against a stack on paper, policies side by side.",
    "calibrate": "Measure what an instance can do, for `lab simulate`.",
    "access-logs": "Show the newest entries of the load balancers' access or connection logs.",
    "logs": "Show what the control plane or a machine wrote.",
    "console-output": "Show the console of an instance: its boot and its user data.",
    "ssh": "Log in to an instance, through a bastion where it needs one.",
    "url": "Print the addresses of the load balancer.",
    "ca": "Show the lab's certificate authority and how to trust it.",
    "bundle": "Make one archive with all that the lab needs without network.",
    "doctor": "Check this machine and say what to do.",
}


MODULES = {"class": "classroom"}
"""Of verbs that are words of Python's."""


class Verbs(click.Group):
    """Finds a verb in `lab.cli.<verb>` (with _ for -) as the function `command`. The group's help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(
            f"lab.cli.{MODULES.get(cmd_name, cmd_name).replace('-', '_')}"
        ).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="asg-lab", prog_name="lab")
def lab() -> None:
    """AWS's standard web architecture as a working lab on this machine."""


def main() -> None:
    """The console script."""
    try:
        lab.main(prog_name="lab", standalone_mode=True)
    except KeyboardInterrupt:
        sys.exit(130)
