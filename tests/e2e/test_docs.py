"""What the documents say to type is typed, and what they point at is there."""

import re
import shlex
from pathlib import Path

import click
import pytest

from lab.cli.drill import find
from lab.cli.main import lab as command_line
from tests.e2e.outside import CHECKOUT, Lab

LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
REFUSES = {"lab reach web-LoadBalancer web-database:5432"}
"""Whose exit code is 1, because packets are dropped: that is what they show."""
WORKSHOPS = ("workshop.md", "workshop.ko.md")
LOOKS = ("status", "activities", "why", "reach", "url", "drill list")
"""What only looks, and is quick about it: of a workshop only these are run here. `lab drill run` is tested for itself."""


def documents() -> list[Path]:
    return [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = LINK.findall(path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


def commands(name: str) -> list[str]:
    blocks = SHELL.findall((CHECKOUT / "docs" / name).read_text())
    return [line for block in blocks for line in block.splitlines() if line.startswith("lab ")]


@pytest.mark.timeout(120)
def test_the_commands_of_the_concepts(process_lab: Lab) -> None:
    process_lab.settled()
    found = commands("concepts.md")
    assert len(found) >= 8
    try:
        for line in found:
            process_lab.run(*shlex.split(line)[1:], code=1 if line in REFUSES else 0)
    finally:
        process_lab.run("deploy", "stacks/web.yaml", "-p", "MaxSize=6", code=None)


def parsed(line: str) -> tuple[str, click.Context]:
    """The verb, and what the command line makes of the rest. Raises UsageError for what it does not understand."""
    command: click.Command = command_line
    words, context = shlex.split(line)[1:], click.Context(command, info_name="lab")
    verb: list[str] = []
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert name is not None
        assert found is not None
        verb.append(name)
        command = found
    return " ".join(verb), command.make_context(verb[-1], words, parent=context)


def understood(line: str) -> str:
    """The verb of a line that could be typed; the drills it names are there. Raises UsageError."""
    verb, context = parsed(line)
    if verb in ("drill run", "class"):
        for name in context.params["drill"]:
            assert find(name)
    return verb


@pytest.mark.parametrize("name", WORKSHOPS)
def test_the_commands_of_a_workshop_are_understood(name: str) -> None:
    verbs = [understood(line) for line in commands(name)]
    assert {"drill run", "class", "why", "reach"} <= set(verbs)


def test_the_workshop_is_the_same_in_both_languages() -> None:
    english, korean = map(commands, WORKSHOPS)
    assert english == korean


@pytest.mark.parametrize(
    "line", ["lab drill run instance-flies", "lab class", "lab drill fly", "lab why --first 1", "lab frobnicate"]
)
def test_what_cannot_be_typed_is_seen(line: str) -> None:
    with pytest.raises(click.UsageError):
        understood(line)


@pytest.mark.timeout(120)
def test_what_only_looks_in_a_workshop_works(process_lab: Lab) -> None:
    process_lab.settled()
    found = {line for line in commands(WORKSHOPS[0]) if parsed(line)[0] in LOOKS}
    assert len(found) >= 5
    for line in sorted(found):
        process_lab.run(*shlex.split(line)[1:], code=1 if line in REFUSES else 0)
