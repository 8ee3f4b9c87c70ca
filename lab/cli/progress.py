"""Shows a lab or a stack coming up: each resource as it is made, what is waited for, how long it took."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

from lab.cli import client
from lab.readiness import missing_pieces

LOOK = 0.25


class Journal:
    """Prints each stack event once, in order."""

    def __init__(self, start: float, seen: Iterable[str] = ()) -> None:
        self._start = start
        self._seen = set(seen)

    def show(self, stack: str) -> None:
        for event in events(stack):
            if event["EventId"] in self._seen:
                continue
            self._seen.add(event["EventId"])
            status = event["ResourceStatus"]
            if status.endswith("_COMPLETE") or "FAILED" in status or "ROLLBACK" in status:
                self.line(f"{_coloured(status)}  {event['LogicalResourceId']}  {event.get('ResourceStatusReason', '')}")

    def line(self, text: str) -> None:
        click.echo(f"{time.monotonic() - self._start:6.1f} s  {text.rstrip()}")


def events(stack: str) -> list[dict[str, Any]]:
    """The events of a stack, oldest first; none when there is no such stack."""
    try:
        found: list[dict[str, Any]] = client.aws("cloudformation", "DescribeStackEvents", StackName=stack)[
            "StackEvents"
        ]
    except client.LabRefused:
        return []
    return found[::-1]


class ControlEnded(click.ClickException):
    """The control plane ended before it ever answered."""


def follow(timeout: float, alive: Callable[[], str]) -> None:
    """Until the lab serves. `alive` answers why the control plane cannot come up any more, or "". Raises ClickException."""
    start = time.monotonic()
    journal = Journal(start)
    waiting = ""
    while True:
        if client.answers():
            document = client.status()
            for stack in document["stacks"]:
                journal.show(stack["name"])
                _raise_if_failed(stack)
            missing = missing_pieces(document)
            if not missing:
                break
            if missing[0] != waiting:
                waiting = missing[0]
                journal.line(click.style(f"waiting for {waiting}", dim=True))
        elif why := alive():
            raise ControlEnded(why)
        if time.monotonic() - start > timeout:
            raise click.ClickException(
                f"the lab did not come up in {timeout:g} s: still waiting for {waiting or 'its API'}"
            )
        time.sleep(LOOK)
    click.echo(f"the lab is up after {time.monotonic() - start:.0f} s")
    show_addresses(document)


def show_addresses(document: dict[str, Any]) -> None:
    for balancer in document["load_balancers"]:
        for node in balancer["nodes"]:
            down = ", failed" if node["zone"] in document["failed_zones"] else ""
            for url in node["urls"]:
                click.echo(f"  {click.style(url, bold=True)}  load balancer, {node['zone']}{down}")
    for zone in document["failed_zones"]:
        click.echo(click.style(f"{zone} is failed on purpose: `lab recover zone {zone[-1]}` ends that", fg="yellow"))
    if document["resolver_problem"]:
        click.echo(click.style(f"DNS is not served: {document['resolver_problem']}", fg="yellow"))
    click.echo(f"  {click.style(client.base_url(), bold=True)}  control plane: dashboard, AWS actions")
    if any(url.startswith("https:") for url in _urls(document)):
        click.echo("https is signed by the lab's own authority: `lab ca` tells how to trust it")
    click.echo("try: curl " + next(_urls(document), client.base_url()) + "/products    then: lab status")


def _urls(document: dict[str, Any]) -> Iterator[str]:
    return (url for row in document["load_balancers"] for node in row["nodes"] for url in node["urls"])


def _raise_if_failed(stack: dict[str, Any]) -> None:
    if stack["status"].endswith("FAILED") or stack["status"] == "ROLLBACK_COMPLETE":
        raise click.ClickException(f"stack {stack['name']} ended as {stack['status']}: {first_failure(stack['name'])}")


def first_failure(stack: str) -> str:
    """What went wrong first in the stack's last operation; all else followed from it."""
    found = [event for event in events(stack) if event["ResourceStatus"].endswith("_FAILED")]
    mattered = [event for event in found if event.get("ResourceStatusReason") != "Resource creation cancelled"]
    if not mattered:
        return "`lab logs` may tell why"
    return f"{mattered[0]['LogicalResourceId']}: {mattered[0].get('ResourceStatusReason', '')}"


def _coloured(status: str) -> str:
    bad = "FAILED" in status or "ROLLBACK" in status
    return click.style(f"{status:<18}", fg="red" if bad else "green")
