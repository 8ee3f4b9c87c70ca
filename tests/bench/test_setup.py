"""Choosing what to measure, and what with."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from bench import certificate, contenders, interpreter, machine, node
from bench.contender import NGINX, OURS, TITLES, TURNS, Site
from bench.options import RESULTS, parse
from bench.processes import UnavailableError, program
from bench.scenarios import NAMES
from lab.core.elbv2 import check


def test_a_run_is_of_everything_unless_told_otherwise() -> None:
    options = parse([])
    assert options.scenarios == NAMES
    assert set(options.contenders) == set(TITLES) - {"nginx-gzip"}
    assert (options.rounds, options.seconds, options.python, options.keep) == (5, 3, sys.executable, None)


def test_a_part_can_be_chosen() -> None:
    options = parse(["--scenarios", "browser,small", "--contenders", "ours", "--rounds", "2", "--keep"])
    assert options.scenarios == ("small", "browser")
    assert options.contenders == (OURS, NGINX)
    assert (options.rounds, options.keep) == (2, RESULTS)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--scenarios", "smal"], "there is no smal, but small, browser"),
        (["--contenders", "ours,apache"], "there is no apache, but ours, compiled, nginx"),
        (["--rounds", "0"], "'0' is not a whole number above 0"),
        (["--seconds", "-1"], "'-1' is not a whole number above 0"),
    ],
)
def test_nonsense_is_refused(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
    assert why in capsys.readouterr().err


def test_everyone_has_a_turn() -> None:
    assert set(TURNS) == set(TITLES)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"not installed: no-such-program \(Debian: apt-get install it\)"):
        program("no-such-program", "Debian: apt-get install it")
    python = interpreter.interpreter("python9", "9.0", "", "", ".no-such-suffix.so", shared=False)
    found = contenders.find(("compiled",), python, str(tmp_path / "nginx"))
    assert found.contenders == ()
    [missing] = found.missing
    assert missing.startswith("ours, compiled: nothing is compiled for python9 in ")
    assert missing.endswith("(make compile)")


@pytest.mark.parametrize(
    ("options", "flags", "text"),
    [
        ("", "-O3 -Wall", "Python 3.13.0 (no PGO on record, no LTO on record, libpython built in)"),
        ("'--enable-optimizations' '--with-lto'", "-O3", "Python 3.13.0 (PGO, LTO, libpython built in)"),
        ("'--with-lto=no'", "-O3", "Python 3.13.0 (no PGO on record, no LTO on record, libpython built in)"),
        ("", "-O3 -fprofile-use -flto=auto", "Python 3.13.0 (PGO, LTO, libpython built in)"),
    ],
)
def test_how_a_python_was_built(options: str, flags: str, text: str) -> None:
    assert str(interpreter.interpreter("python3", "3.13.0", options, flags, ".so", shared=False)) == text


def test_the_python_that_runs_this_can_run_the_node() -> None:
    found = interpreter.ask(sys.executable)
    assert found.version == sys.version.split()[0]
    assert found.suffix.endswith(".so")


@pytest.mark.parametrize(("version", "does"), [("45.0.1", True), ("46", True), ("38.0.4", False), ("", False)])
def test_an_old_cryptography_does_not_do(version: str, does: bool) -> None:
    assert interpreter.recent(version) is does


def test_a_python_says_that_it_borrows_packages() -> None:
    lender = interpreter.interpreter("python3", "3.11.2", "", "", ".so", shared=False, packages="/lender")
    assert "with the packages of the one that measures" in str(lender)
    assert lender.path[0] == "/lender"


def test_a_python_that_does_not_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="is no Python that runs"):
        interpreter.ask(str(tmp_path / "python"))


def test_cpu_time_is_a_difference_by_thread() -> None:
    assert machine.spent({1: 100, 2: 50}, {1: 180, 3: 7}) == 87


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_what_a_process_has_loaded_is_seen() -> None:
    assert str(Path(sys.executable).resolve()) in machine.maps(os.getpid())
    assert "/lb__mypyc" not in machine.maps(os.getpid())
    assert machine.maps(2**30) == ""


def test_a_compiled_tree_of_other_sources_is_refused(tmp_path: Path) -> None:
    module = tmp_path / "services/lb/http1/chunked.py"
    module.parent.mkdir(parents=True)
    shutil.copy(Path(node.__file__).parents[1] / "services/lb/http1/chunked.py", module)
    assert not node.stale(tmp_path)
    module.write_text(module.read_text() + "\n")
    assert node.stale(tmp_path)
    module.rename(module.with_name("gone.py"))
    assert node.stale(tmp_path)


def test_the_node_is_given_a_document_that_it_takes(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    certificate.write(file)
    document = node.document(Site(tmp_path, 8001, 8002, (8003, 8004), file, 32, None))
    assert list(check.problems(document)) == []
    assert document.attributes.access_logs is not None
    assert [len(listener.rules) for listener in document.listeners] == [21, 21]


def test_the_certificate_is_for_the_host_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    certificate.write(file)
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert text.startswith("-----BEGIN CERTIFICATE-----\n")
    assert text.rstrip().endswith("-----END PRIVATE KEY-----")
