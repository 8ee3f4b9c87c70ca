"""The Python that our node runs on, which need not be the one that measures."""

import json
import subprocess
from dataclasses import dataclass

from bench.processes import UnavailableError

_ASK = """
import json, pathlib, platform, sysconfig
try:
    from cryptography import x509
except ImportError:
    x509 = None
maps = pathlib.Path("/proc/self/maps")
get = sysconfig.get_config_var
flags = ("PY_CFLAGS", "PY_CFLAGS_NODIST", "PY_CORE_CFLAGS", "PY_LDFLAGS_NODIST", "PY_CORE_LDFLAGS")
print(json.dumps({
    "version": platform.python_version(),
    "options": get("CONFIG_ARGS") or "",
    "flags": " ".join(get(name) or "" for name in flags),
    "shared": "libpython" in (maps.read_text() if maps.exists() else ""),
    "suffix": get("EXT_SUFFIX"),
    "cryptography": x509 is not None,
}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """`pgo`, `lto`: built with profile guided and with link time optimisation, as far as it tells: Debian's does not. They,
    and a program that is not `shared` (with libpython apart), make it faster by a tenth or two. `suffix` is how the names of
    extension modules end that it can load."""

    program: str
    version: str
    pgo: bool
    lto: bool
    shared: bool
    suffix: str

    def __str__(self) -> str:
        pgo = "PGO" if self.pgo else "no PGO on record"
        lto = "LTO" if self.lto else "no LTO on record"
        return f"Python {self.version} ({pgo}, {lto}, libpython {'shared' if self.shared else 'built in'})"


def ask(program: str) -> Interpreter:
    """Raises UnavailableError when it cannot run our node."""
    try:
        result = subprocess.run([program, "-c", _ASK], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"{program} is no Python that runs: {error}") from error
    answer = json.loads(result.stdout)
    if not answer["cryptography"]:
        raise UnavailableError(f"our node on {program} needs the package cryptography, which it cannot import")
    return interpreter(
        program, answer["version"], answer["options"], answer["flags"], answer["suffix"], shared=answer["shared"]
    )


def interpreter(program: str, version: str, options: str, flags: str, suffix: str, *, shared: bool) -> Interpreter:
    """`options` are those of `./configure`, `flags` those of the compiler and the linker."""
    return Interpreter(
        program=program,
        version=version,
        pgo="--enable-optimizations" in options or "-fprofile-use" in flags,
        lto="-flto" in flags or "--with-lto" in options.replace("--with-lto=no", ""),
        shared=shared,
        suffix=suffix,
    )
