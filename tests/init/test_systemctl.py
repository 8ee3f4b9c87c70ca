"""`systemctl` on a folder that stands for a machine's root, with real services."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.init import commands, keeper, packages, systemctl
from tests.eventually import until


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    yield tmp_path
    for path in (tmp_path / "etc/systemd/system").glob("*.service"):
        systemctl.stop(tmp_path, path.stem)


def unit(root: Path, name: str, program: str, *lines: str) -> None:
    start = f"ExecStart={sys.executable} -c '{program}'"
    (root / f"etc/systemd/system/{name}.service").write_text("\n".join(["[Service]", start, *lines]))


SLEEP = "import time; print(1, flush=True); time.sleep(60)"
WRITES = 'import os, time; open(os.environ["OUT"], "a").write(f"{os.getpid()} "); time.sleep(60)'


def test_a_service_is_started_asked_for_and_stopped(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unit(root, "shop", SLEEP, "Description=The shop")
    assert systemctl.systemctl(["is-active", "shop"], root) == systemctl.INACTIVE
    assert systemctl.systemctl(["start", "shop.service"], root) == 0
    pid = keeper.pid_of(root, "shop")
    assert systemctl.systemctl(["start", "shop"], root) == 0
    assert keeper.pid_of(root, "shop") == pid
    until(lambda: systemctl.log(root, "shop", 1) == "1\n", 10)
    capsys.readouterr()
    assert systemctl.service(["shop", "status"], root) == 0
    assert "shop.service - The shop" in capsys.readouterr().out
    assert systemctl.systemctl(["stop", "shop"], root) == 0
    assert systemctl.systemctl(["is-active", "shop"], root) == systemctl.INACTIVE
    assert capsys.readouterr().out == "inactive\n"


def test_what_a_service_started_with_is_what_its_unit_says(root: Path) -> None:
    out = root / "out"
    (root / "env").write_text("# comment\nOUT='nowhere'\n")
    unit(root, "shop", WRITES, "EnvironmentFile=/env", "EnvironmentFile=-/missing", f"Environment=OUT={out}")
    assert systemctl.systemctl(["start", "shop"], root) == 0
    until(lambda: out.exists() and out.read_text(), 10)


def test_a_service_that_dies_is_started_again_as_it_says(root: Path) -> None:
    out = root / "out"
    unit(root, "shop", WRITES, "Restart=always", f"Environment=OUT={out}")
    systemctl.systemctl(["start", "shop"], root)

    def pids() -> list[str]:
        return out.read_text().split() if out.exists() else []

    until(lambda: len(pids()) == 1, 10)
    os.kill(int(pids()[0]), signal.SIGKILL)
    until(lambda: len(pids()) == 2, 10, pids)
    assert systemctl.state(root, "shop") == "active"


def test_a_service_that_fails_at_once_says_so(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "etc/systemd/system/bad.service").write_text("ExecStart=/no/such/program")
    assert systemctl.systemctl(["start", "bad"], root) != 0
    assert "journalctl -u bad" in capsys.readouterr().err
    assert systemctl.state(root, "bad") == "failed"
    assert systemctl.journalctl(["-u", "bad", "-n", "5"], root) == 0
    assert "/no/such/program cannot be run" in capsys.readouterr().out


def test_one_that_keeps_failing_is_left_alone(root: Path) -> None:
    unit(root, "bad", "raise SystemExit(3)", "Restart=on-failure", "RestartSec=1ms")
    systemctl.systemctl(["start", "bad"], root)
    until(lambda: systemctl.state(root, "bad") == "failed", 20, lambda: systemctl.log(root, "bad", 9))
    assert "repeated too quickly" in systemctl.log(root, "bad", 9)


def test_one_that_does_its_work_once_is_waited_for(root: Path) -> None:
    unit(root, "once", f'open("{root}/done", "w")', "Type=oneshot")
    assert systemctl.systemctl(["start", "once"], root) == 0
    assert (root / "done").exists()


def test_enabled_services_are_links(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unit(root, "shop", SLEEP)
    assert systemctl.systemctl(["enable", "--now", "shop"], root) == 0
    assert systemctl.systemctl(["enable", "shop"], root) == 0
    assert systemctl.enabled(root) == ["shop"]
    assert systemctl.state(root, "shop") == "active"
    assert systemctl.systemctl(["disable", "--now", "shop"], root) == 0
    assert systemctl.enabled(root) == []
    assert systemctl.state(root, "shop") == "inactive"


@pytest.mark.parametrize("arguments", [["start", "nobody"], ["enable", "nobody"], ["status", "nobody"]])
def test_there_is_no_such_unit(root: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert systemctl.systemctl(arguments, root) == systemctl.UNKNOWN
    assert "Unit nobody.service could not be found." in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["frobnicate", "x"], ["start"]])
def test_what_it_does_not_know_it_says(root: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert systemctl.systemctl(arguments, root) == 1
    assert "this AMI knows" in capsys.readouterr().err


def test_packages_are_here_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert packages.main(["update", "-y"]) == 0
    assert packages.main(["install", "-y", "httpd", "curl=8.0"]) == 0
    assert packages.main(["-y", "install", "httpd", "php"]) == 1
    assert "Unable to find a match: php\n" in capsys.readouterr().err
    assert packages.main([]) == 1


def test_a_command_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/yum", "install", "php"])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    assert ended.value.code == 1
