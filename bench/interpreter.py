"""The Python that our node runs on, which need not be the one that measures."""

import json
import os
import subprocess
import sysconfig
from dataclasses import dataclass
from typing import Any

from bench.processes import UnavailableError

_ASK = """
import json, pathlib, platform, sysconfig
try:
    import cryptography
    from cryptography import x509
    cryptography = cryptography.__version__
except ImportError:
    cryptography = ""
try:
    import isal
except ImportError:
    isal = None
maps = pathlib.Path("/proc/self/maps")
get = sysconfig.get_config_var
flags = ("PY_CFLAGS", "PY_CFLAGS_NODIST", "PY_CORE_CFLAGS", "PY_LDFLAGS_NODIST", "PY_CORE_LDFLAGS")
print(json.dumps({
    "version": platform.python_version(),
    "options": get("CONFIG_ARGS") or "",
    "flags": " ".join(get(name) or "" for name in flags),
    "shared": "libpython" in (maps.read_text() if maps.exists() else ""),
    "suffix": get("EXT_SUFFIX"),
    "cryptography": cryptography,
    "isal": isal is not None,
}))
"""

_CRYPTOGRAPHY = 45
"""The oldest version that the project takes (pyproject.toml)."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """`pgo`, `lto`: built with profile guided and with link time optimisation, as far as it tells: Debian's does not. They,
    and a program that is not `shared` (with libpython apart), make it faster by a tenth or two. `suffix` is how the names of
    extension modules end that it can load. `packages` is a folder of packages that it borrows, if any; `isal`: it has ISA-L."""

    program: str
    version: str
    pgo: bool
    lto: bool
    shared: bool
    suffix: str
    packages: str = ""
    isal: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Folders that belong on PYTHONPATH."""
        return tuple(filter(None, (self.packages, os.environ.get("PYTHONPATH"))))

    def __str__(self) -> str:
        pgo = "PGO" if self.pgo else "no PGO on record"
        lto = "LTO" if self.lto else "no LTO on record"
        borrowed = ", with the packages of the one that measures" if self.packages else ""
        return f"Python {self.version} ({pgo}, {lto}, libpython {'shared' if self.shared else 'built in'}{borrowed})"


def ask(program: str) -> Interpreter:
    """It borrows our own packages where its own do not do (Debian's are old). Raises UnavailableError when it cannot run our
    node."""
    for packages in ("", sysconfig.get_path("platlib")):
        answer = _asked(program, packages)
        if recent(answer["cryptography"]):
            return interpreter(
                program,
                answer["version"],
                answer["options"],
                answer["flags"],
                answer["suffix"],
                shared=answer["shared"],
                packages=packages,
                isal=answer["isal"],
            )
    raise UnavailableError(
        f"our node on {program} needs the package cryptography, {_CRYPTOGRAPHY} or newer, "
        f"which it can import neither from its own packages nor from {sysconfig.get_path('platlib')}"
    )


def recent(cryptography: str) -> bool:
    """Whether the version is one that our node takes; "" is none."""
    major = cryptography.partition(".")[0]
    return major.isdecimal() and int(major) >= _CRYPTOGRAPHY


def _asked(program: str, packages: str) -> dict[str, Any]:
    """Raises UnavailableError when it does not run."""
    path = os.pathsep.join(filter(None, (packages, os.environ.get("PYTHONPATH"))))
    try:
        result = subprocess.run(
            [program, "-c", _ASK],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            env={**os.environ, "PYTHONPATH": path},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"{program} is no Python that runs: {error}") from error
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def interpreter(
    program: str,
    version: str,
    options: str,
    flags: str,
    suffix: str,
    *,
    shared: bool,
    packages: str = "",
    isal: bool = False,
) -> Interpreter:
    """`options` are those of `./configure`, `flags` those of the compiler and the linker."""
    return Interpreter(
        program=program,
        version=version,
        pgo="--enable-optimizations" in options or "-fprofile-use" in flags,
        lto="-flto" in flags or "--with-lto" in options.replace("--with-lto=no", ""),
        shared=shared,
        suffix=suffix,
        packages=packages,
        isal=isal,
    )
