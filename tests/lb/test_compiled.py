"""The same source, compiled by mypyc, passes the same tests: the suite of this folder once more, in a compiled tree.

Left out are tests that put an owner of their own behind an endpoint: compiled classes cannot be subclassed by interpreted ones.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from bench.node import stale

ROOT = Path(__file__).parent.parent.parent
WITH_OWNERS_OF_THEIR_OWN = ("test_tls_handshake.py", "test_tls_data.py", "test_tls_mutual.py")
ELSEWHERE = (
    "test_compiled.py",
    "test_process.py", "test_workers.py", "test_swaps.py", "test_duty.py", "test_link.py", "test_tally.py",
    "test_capacity.py", "test_log_delivery.py", "test_log_spool.py", "test_tls_contexts.py", "test_tls_health.py",
    "hostile", "differential",
)  # fmt: skip
"""Not to be run twice: this file itself, what is not compiled, and what takes long."""


def missing() -> str:
    """What compiling needs and is not here."""
    if shutil.which("gcc") is None and shutil.which("cc") is None:
        return "a C compiler"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "Python's headers"
    return "" if importlib.util.find_spec("mypyc") is not None else "mypyc"


def compile_to(tree: Path) -> None:
    run = subprocess.run(
        [sys.executable, "setup.py", "-q", "compile"],
        cwd=ROOT,
        env={**os.environ, "LAB_COMPILE": "1", "LAB_COMPILED": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]


@pytest.mark.timeout(600)
def test_the_suite_passes_compiled(tmp_path: Path) -> None:
    if missing():
        assert "CI" not in os.environ, f"CI may not go without {missing()}"
        pytest.skip(f"the data plane cannot be compiled here: there is no {missing()}")
    tree = tmp_path / "tree"
    made = os.environ.get("LAB_COMPILED", "")
    if made and Path(made).is_dir():
        # By whoever runs the tests, beforehand: CI does, while it has a processor to spare.
        shutil.copytree(made, tree)
    else:
        compile_to(tree)
    assert not stale(tree), f"{made} was compiled from other sources than these"
    shutil.copytree(ROOT / "tests", tree / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    seen = subprocess.run(
        [sys.executable, "-c", "import services.lb.serving.exchange as one; print(one.__file__)"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.startswith(str(tree))
    assert seen.stdout.strip().endswith(sysconfig.get_config_var("EXT_SUFFIX"))
    ignored = [f"--ignore=tests/lb/{name}" for name in (*WITH_OWNERS_OF_THEIR_OWN, *ELSEWHERE)]
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ignored, "tests/lb"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout[-6000:]
