"""What the documents say to type is typed, and what they point at is there."""

import re
import shlex
from pathlib import Path

import pytest

from tests.e2e.outside import CHECKOUT, Lab

LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
REFUSES = {"lab reach web-LoadBalancer web-database:5432"}
"""Whose exit code is 1, because packets are dropped: that is what they show."""


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
