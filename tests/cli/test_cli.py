"""The `lab` command: help for every verb, exit codes, errors that say what to do, what importing it costs."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lab.cli.load import Duration
from lab.cli.main import VERBS, lab
from lab.core.errors import Refused
from lab.settings import Settings, from_environment
from tests.cli.free_port import free_port

DONE, FAILED, USAGE, NO_LAB = 0, 1, 2, 3


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """Nothing answers at the API's port, and the state is elsewhere."""
    monkeypatch.setenv("LAB_API_PORT", str(free_port()))
    monkeypatch.setenv("LAB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LAB_COMPUTE", "process")
    return CliRunner()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(runner: CliRunner, verb: str) -> None:
    done = runner.invoke(lab, [verb, "--help"])
    assert done.exit_code == DONE, done.output
    assert done.output.startswith("Usage: ")
    assert len(done.output.splitlines()[2]) > 10


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_help_names_every_verb(runner: CliRunner, flag: str) -> None:
    done = runner.invoke(lab, [flag])
    assert done.exit_code == DONE
    for verb, text in VERBS.items():
        assert verb in done.output
        assert text in " ".join(done.output.split())


def test_version(runner: CliRunner) -> None:
    assert runner.invoke(lab, ["--version"]).output.startswith("lab, version ")


def test_a_program_for_every_verb_and_no_other() -> None:
    for verb in VERBS:
        found = lab.get_command(click.Context(lab), verb)
        assert isinstance(found, click.Command)
    assert lab.get_command(click.Context(lab), "client") is None


@pytest.mark.parametrize(
    "words",
    [
        ["coffee"],
        ["--colour"],
        ["status", "--colour"],
        ["kill"],
        ["kill", "i-1", "--random"],
        ["activities", "--last", "0"],
        ["activities", "--last", "many"],
        ["activities", "--json", "--table"],
        ["why", "--last", "0"],
        ["logs", "--tail", "0"],
        ["access-logs", "--last", "0"],
        ["deploy"],
        ["deploy", "/nowhere/at/all.yaml"],
        ["load"],
        ["load", "http://127.0.0.1", "--rate", "0"],
        ["load", "http://127.0.0.1", "--for", "soon"],
        ["load", "http://127.0.0.1", "--for", "0s"],
        ["load", "not a url", "--for", "1s"],
        ["load", "http://127.0.0.1", "--method", "BREW"],
        ["up", "--compute", "cloud"],
        ["up", "--speed", "fast"],
    ],
)
def test_a_command_line_that_is_off(runner: CliRunner, words: list[str]) -> None:
    done = runner.invoke(lab, words)
    assert done.exit_code == USAGE, done.output
    assert "Usage: " in done.output


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["status", "--json"],
        ["status", "--once"],
        ["activities"],
        ["activities", "web", "--table"],
        ["why"],
        ["why", "web", "--json"],
        ["kill", "i-1"],
        ["kill", "--random"],
        ["fail", "zone", "a"],
        ["recover", "zone", "a"],
        ["url"],
        ["ca"],
        ["ca", "--pem"],
        ["logs", "i-1"],
        ["access-logs"],
        ["access-logs", "--connection", "--raw"],
        ["deploy", __file__],
    ],
)
def test_no_lab(runner: CliRunner, words: list[str]) -> None:
    done = runner.invoke(lab, words)
    assert done.exit_code == NO_LAB, done.output
    assert "no lab answers at http://127.0.0.1:" in done.output
    assert "lab up" in done.output


def test_the_address_of_the_api_needs_no_lab(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_API_PORT", "4999")
    assert runner.invoke(lab, ["url", "--api"]).output == "http://127.0.0.1:4999\n"


def test_down_without_a_lab(runner: CliRunner) -> None:
    done = runner.invoke(lab, ["down"])
    assert (done.exit_code, done.output) == (DONE, "there is no lab here\n")


def test_down_destroys_the_authoritys_key(runner: CliRunner, tmp_path: Path) -> None:
    state = tmp_path / "state"
    for name in ("authority/key.pem", "authority/ca.pem", "buckets/logs/a/b", "lab.sqlite"):
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_text("")
    done = runner.invoke(lab, ["down"])
    assert (done.exit_code, state.exists()) == (DONE, False), done.output


def test_logs_without_a_lab(runner: CliRunner) -> None:
    done = runner.invoke(lab, ["logs"])
    assert done.exit_code == FAILED
    assert "no lab was started here" in done.output


@pytest.mark.parametrize("verb", ["up", "down", "logs", "doctor"])
def test_an_environment_that_makes_no_sense(runner: CliRunner, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setenv("LAB_SPEED", "warp")
    done = runner.invoke(lab, [verb])
    assert done.exit_code == FAILED, done.output
    assert "LAB_SPEED must be a number" in done.output


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LAB_COMPUTE", "cloud"),
        ("LAB_SPEED", "warp"),
        ("LAB_SPEED", "0"),
        ("LAB_SPEED", "1001"),
        ("LAB_SPEED", "nan"),
        ("LAB_SPEED", "-1"),
        ("LAB_API_PORT", "http"),
        ("LAB_API_PORT", "0"),
        ("LAB_API_PORT", "65536"),
        ("LAB_API_PORT", "-1"),
        ("LAB_LISTENER_PORT", "8080.5"),
        ("LAB_TLS_PORT", "https"),
        ("LAB_TLS_PORT", "8082"),  # a third zone's HTTP
        ("LAB_TLS_PORT", "8078"),
        ("LAB_DNS_PORT", "domain"),
        ("LAB_DNS_PLACES", "Europe"),
    ],
)
def test_settings_are_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(Refused, match=variable):
        from_environment({variable: value})


def test_settings_have_defaults() -> None:
    found = from_environment({})
    assert found == Settings(state=found.state)
    assert found.state.is_absolute()
    assert found.stack is not None
    assert found.stack.exists()
    assert found.api_url == "http://127.0.0.1:4566"


def test_settings_are_read(tmp_path: Path) -> None:
    found = from_environment(
        {
            "LAB_COMPUTE": "process",
            "LAB_SPEED": "1",
            "LAB_STATE": str(tmp_path),
            "LAB_API_PORT": "5000",
            "LAB_TLS_PORT": "9443",
            "LAB_DNS_PORT": "5300",
            "LAB_DNS_PUBLISHED": "",
            "LAB_DNS_PLACES": "10.0.0.0/8=EU",
            "LAB_STACK": "",
        }
    )
    assert (found.compute, found.speed, found.state, found.api_port, found.tls_port, found.stack) == (
        "process",
        1.0,
        tmp_path,
        5000,
        9443,
        None,
    )
    assert (found.dns_port, found.dns_published, len(found.dns_places)) == (5300, False, 1)


@pytest.mark.parametrize(
    ("text", "seconds"), [("60", 60.0), ("60s", 60.0), ("500ms", 0.5), ("2m", 120.0), ("1h", 3600.0), ("1.5m", 90.0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


HEAVY = (
    "fastapi",
    "docker",
    "rich",
    "botocore",
    "pydantic",
    "uvicorn",
    "yaml",
    "asyncpg",
    "lab.adapters",
    "lab.control",
)


@pytest.mark.parametrize(
    "words", [["--help"], ["status", "--help"], ["kill", "--help"], ["up", "--help"], ["ca", "--help"]]
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from lab.cli.main import lab\n"
        f"assert CliRunner().invoke(lab, {words!r}).exit_code == 0\n"
        "import json; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert [name for name in loaded if name in HEAVY or name.startswith(tuple(f"{one}." for one in HEAVY))] == []
