"""Builds the wheel, with the load balancer's data plane compiled by mypyc where a compiler is there; the same source runs as
it is where none is. An editable install never compiles: there the source is what runs.

`python setup.py compile` makes a tree of the packages `lab` and `services`, in build/compiled or LAB_COMPILED, with the
compiled modules beside their source: for images, tests and measurements. LAB_COMPILE=0 switches compiling off, LAB_COMPILE=1
makes its failure an error.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any, ClassVar

from setuptools import Command, setup
from setuptools.command.build_ext import build_ext

HOT = (
    "sockets/selector", "sockets/endpoint", "sockets/splice",
    "http1/request_line", "http1/request_head", "http1/response_head", "http1/framing", "http1/fields",
    "http1/fieldvalues", "http1/chunked", "http1/body", "http1/forwarding", "http1/responses", "http1/desync",
    "http2/connection", "http2/stream", "http2/head", "http2/frames",
    "tls/endpoint",
    "routing/table", "routing/forward", "routing/matcher", "routing/patterns", "routing/uri", "routing/redirects",
    "routing/transforms", "routing/cookies", "routing/stickiness",
    "targets/target", "targets/group", "targets/balance", "targets/slow_start", "targets/anomaly",
    "serving/listener", "serving/welcome", "serving/greeting", "serving/plane", "serving/peer", "serving/front",
    "serving/exchange", "serving/downstream", "serving/upstream", "serving/farewell", "serving/tunnel",
    "serving/outcome", "serving/counters", "serving/record", "serving/limits",
    "logs/entry", "logs/access", "logs/text",
)  # fmt: skip
"""Modules of services/lb that every request passes through."""

ROOT = Path(__file__).parent


def extensions() -> list[Any]:
    wanted = os.environ.get("LAB_COMPILE", "auto")
    if wanted == "0" or not {"bdist_wheel", "compile"} & set(sys.argv):
        return []  # also where only the metadata of a wheel are asked for
    try:
        from mypyc.build import mypycify
    except ImportError:
        if wanted == "1":
            raise
        return []
    files = [f"services/lb/{name}.py" for name in HOT]
    options = ["--config-file=", "--ignore-missing-imports", "--explicit-package-bases"]
    return mypycify([*options, *files], opt_level="3", debug_level="0", group_name="lb", target_dir=f"{_directory()}.c")


def _directory() -> Path:
    """Where `compile` makes its tree."""
    return Path(os.environ.get("LAB_COMPILED", "build/compiled"))


class OptionalExtensions(build_ext):
    """Without a compiler the wheel is pure."""

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:
            if os.environ.get("LAB_COMPILE") == "1":
                raise
            self.warn(f"the data plane is not compiled: {error}")
            self.extensions = []


class Compile(Command):
    """`compile`"""

    description = "make a tree with the data plane compiled"
    user_options: ClassVar[list[tuple[str, str, str]]] = []

    def initialize_options(self) -> None:
        pass

    def finalize_options(self) -> None:
        pass

    def run(self) -> None:
        directory = _directory()
        # Beside the tree, so that two trees can be made at the same time.
        work = directory.with_name(directory.name + ".work")
        shutil.rmtree(directory, ignore_errors=True)
        for package in ("lab", "services"):
            shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        command = self.get_finalized_command("build_ext")
        command.build_lib = str(directory)
        command.build_temp = str(work)
        command.inplace = False
        command.run()


setup(ext_modules=extensions(), cmdclass={"build_ext": OptionalExtensions, "compile": Compile})
