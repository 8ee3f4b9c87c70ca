"""What goes wrong is said in one clear line, and nothing is left half-made."""

import os
import socket
from pathlib import Path

import pytest

from tests.e2e.conftest import new_lab, require_docker, state_directory
from tests.e2e.outside import CHECKOUT, Lab, ask, get

BAD_TEMPLATE = """
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlok: 10.9.0.0/16
  Odd:
    Type: AWS::EC2::Nonsense
"""


@pytest.fixture
def unborn() -> Lab:
    return new_lab("process", state_directory())


def test_a_bad_template_is_refused_with_lines_and_nothing_is_made(lab: Lab, tmp_path: Path) -> None:
    template = tmp_path / "bad.yaml"
    template.write_text(BAD_TEMPLATE)
    before = lab.status()["stacks"]
    said = lab.run("deploy", str(template), "--stack-name", "bad", code=1)
    assert "CidrBlok" in said
    assert "CidrBlock" in said, "it suggests the right name"
    assert "AWS::EC2::Nonsense" in said
    assert "line 6" in said
    assert lab.status()["stacks"] == before


def test_deploying_the_same_template_again_changes_nothing(lab: Lab) -> None:
    before = lab.healthy()
    said = lab.run("deploy", str(CHECKOUT / "stacks" / "web.yaml"))
    assert "as the template says already" in said
    assert lab.healthy() == before


def test_an_update_in_place_and_one_that_would_replace(lab: Lab, tmp_path: Path) -> None:
    text = (CHECKOUT / "stacks" / "web.yaml").read_text()
    lab.run("deploy", str(CHECKOUT / "stacks" / "web.yaml"), "-p", "MaxSize=5")
    assert lab.group["max"] == 5
    lab.run("deploy", str(CHECKOUT / "stacks" / "web.yaml"), "-p", "MaxSize=6")
    assert lab.group["max"] == 6
    moved = tmp_path / "moved.yaml"
    moved.write_text(text.replace("Port: 8000", "Port: 8001"))
    said = lab.run("deploy", str(moved), code=1)
    assert "Port" in said
    assert "replace" in said.lower()
    assert lab.status()["stacks"][0]["status"].endswith("UPDATE_COMPLETE")


@pytest.mark.parametrize(
    "arguments", [("load",), ("load", "http://127.0.0.1:1/", "--rate", "x"), ("deploy", "/no/file"), ("fly",)]
)
def test_a_bad_command_line_exits_with_2(unborn: Lab, arguments: tuple[str, ...]) -> None:
    assert "Usage:" in unborn.run(*arguments, code=2)


def test_no_lab_exits_with_3(unborn: Lab) -> None:
    assert "no lab answers" in unborn.run("status", code=3)


def test_a_port_in_use_is_named_before_anything_is_made(unborn: Lab) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", unborn.ports[1]))
        taken.listen()
        said = unborn.run("up", code=1)
    assert f"port {unborn.ports[1]} on 127.0.0.1 is in use" in said
    assert "LAB_LISTENER_PORT" in said
    assert not unborn.left_over()


def test_a_state_directory_that_cannot_be_written(unborn: Lab, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a directory should be")
    unborn.environment["LAB_STATE"] = str(blocked / "state")
    said = unborn.run("up", code=1)
    assert "cannot be written" in said
    assert "LAB_STATE" in said
    assert not unborn.left_over()


def test_a_stack_file_with_errors_stops_the_start(unborn: Lab, tmp_path: Path) -> None:
    template = tmp_path / "bad.yaml"
    template.write_text(BAD_TEMPLATE)
    unborn.environment |= {"LAB_STACK": str(template), "LAB_STACK_PARAMETERS": ""}
    said = unborn.run("up", code=1)
    assert "CidrBlok" in said
    assert not unborn.left_over(), "a start that failed takes back what it began"


@pytest.mark.docker
def test_the_same_on_docker() -> None:
    require_docker()
    unborn = new_lab("docker", state_directory(), LAB_STACK_PARAMETERS="Nonsense=1")
    said = unborn.run("up", code=1)
    assert "Parameters: [Nonsense] do not exist in the template" in said
    assert not unborn.left_over()
    unborn.environment["LAB_STACK"] = "/some/file.yaml"
    assert "lab deploy FILE" in unborn.run("up", code=1)


@pytest.mark.parametrize(("name", "value"), [("LAB_SPEED", "fast"), ("LAB_API_PORT", "0"), ("LAB_COMPUTE", "cloud")])
def test_a_setting_that_makes_no_sense(unborn: Lab, name: str, value: str) -> None:
    unborn.environment[name] = value
    assert name in unborn.run("up", code=1)


def test_strangers_are_refused(lab: Lab) -> None:
    assert get(lab.api, "/lab/status", Host="evil.example").status == 403
    assert get(lab.api, "/lab/status", Origin="http://evil.example").status == 403
    assert get(lab.api, "/lab/status", Origin=f"http://localhost:{lab.api}").status == 200
    node = lab.status()["load_balancers"][0]["nodes"][0]["id"]
    assert get(lab.api, f"/lab/nodes/{node}/config").status == 403
    assert ask("POST", lab.api, f"/lab/nodes/{node}/report", {}).status == 403


def test_the_state_is_for_its_owner_only(process_lab: Lab) -> None:
    assert os.stat(process_lab.state).st_mode & 0o066 == 0
    assert os.stat(process_lab.state / "lab.sqlite").st_mode & 0o077 == 0


def test_an_unknown_machine_cannot_be_killed(lab: Lab) -> None:
    assert "i-00000000000000000" in lab.run("kill", "i-00000000000000000", code=1)


def test_doctor_is_content_with_a_running_lab(lab: Lab) -> None:
    assert "FAIL" not in lab.run("doctor")
