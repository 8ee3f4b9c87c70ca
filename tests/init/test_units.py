"""Unit files as systemd reads them (systemd.service(5)), as far as units of the base AMI go."""

from pathlib import Path

import pytest

from services.init.units import NoUnit, find, parse, unit_name

TEXT = r"""
[Unit]
Description=The shop
# a comment
[Service]
Type=simple
Environment=A=1 "B=two words"
Environment=C=3
EnvironmentFile=-/etc/default/shop
WorkingDirectory=/srv/shop
ExecStartPre=-/bin/false
ExecStart=/usr/bin/python3 -m http.server \
  8000
Restart=on-failure
RestartSec=500ms
"""


def test_a_unit_is_read() -> None:
    unit = parse("shop", TEXT)
    assert unit.description == "The shop"
    assert unit.start == (("/usr/bin/python3", "-m", "http.server", "8000"),)
    assert unit.before == (("-", "/bin/false"),)
    assert unit.environment == (("A", "1"), ("B", "two words"), ("C", "3"))
    assert (unit.environment_files, unit.directory, unit.restart_seconds) == (("-/etc/default/shop",), "/srv/shop", 0.5)
    assert (unit.once, unit.starts_again(1), unit.starts_again(-9), unit.starts_again(0)) == (False, True, True, False)


def test_an_empty_value_takes_back_what_was_said() -> None:
    unit = parse("x", "ExecStart=/bin/a\nExecStart=\nExecStart=/bin/b")
    assert unit.start == (("/bin/b",),)


@pytest.mark.parametrize(
    "text", ["", "[Service]", "ExecStart=", "ExecStart=/bin/a 'open", "ExecStart=a\nRestartSec=1fn"]
)
def test_what_cannot_be_run_is_no_unit(text: str) -> None:
    with pytest.raises(NoUnit, match=r"x\.service"):
        parse("x", text)


def test_the_administrators_file_comes_before_the_packages(tmp_path: Path) -> None:
    for folder in ("usr/lib/systemd/system", "etc/systemd/system"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.service").write_text("")
    assert find(tmp_path, "x") == tmp_path / "etc/systemd/system/x.service"
    with pytest.raises(NoUnit, match="could not be found"):
        find(tmp_path, "y")


def test_names() -> None:
    assert [unit_name(name) for name in ("httpd", "httpd.service", "apache2", "sshd")] == [
        "httpd",
        "httpd",
        "httpd",
        "ssh",
    ]
