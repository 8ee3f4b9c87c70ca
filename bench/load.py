"""Load by wrk: one thread, a fixed number of connections, each with one request under way."""

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.machine import pinned
from bench.processes import BenchError, stop
from bench.scenarios import NUMBER, Scenario

_MARK = "@result "
_GRACE_SECONDS = 20

# wrk renders a request once and repeats it, unless there is a global function `request`.
_REPEATED = "wrk.format = function() return {request} end\n"
_UNIQUE = """\
local run, count = tostring(os.time()), 0
request = function()
  count = count + 1
  local number = run .. count
  return {request}
end
"""
_DONE = f"""\
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{_MARK}{{"requests":%d,"microseconds":%d,"errors":%d,"p50":%d,"p99":%d}}\\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What the generator saw. `errors` are connections that failed, time-outs and answers that are not 2xx or 3xx; the
    percentiles are of latency, in microseconds."""

    requests: int
    seconds: float
    errors: int
    p50_us: int
    p99_us: int


@dataclass(frozen=True, slots=True)
class Wrk:
    """Scripts go to `directory`, which exists."""

    program: str
    directory: Path
    connections: int
    core: int | None

    def run(self, scenario: Scenario, port: int, seconds: int) -> Load:
        file = self.directory / f"{scenario.name}.lua"
        file.write_text(script(scenario.request))
        command = [self.program, "-t1", f"-c{self.connections}", f"-d{seconds}s", "--latency", "-s", str(file)]
        scheme = "https" if scenario.tls else "http"
        return parse(
            output("wrk", [*command, f"{scheme}://127.0.0.1:{port}{scenario.path}"], self.core, seconds),
            scenario.name,
        )


def script(request: str) -> str:
    """Lua that makes wrk send `request`. JSON's strings are Lua's, for ASCII."""
    if NUMBER in request:
        parts = " .. number .. ".join(json.dumps(part) for part in request.split(NUMBER))
        return _UNIQUE.format(request=parts) + _DONE
    return _REPEATED.format(request=json.dumps(request)) + _DONE


def parse(text: str, scenario: str) -> Load:
    """What wrk printed. Raises BenchError when that is no result."""
    found = re.search(f"^{_MARK}(.*)$", text, re.MULTILINE)
    if found is None:
        raise BenchError(f"wrk failed ({scenario}): {last(text)}")
    values = json.loads(found[1])
    if not values["requests"]:
        raise BenchError(f"no answer came ({scenario}), {values['errors']} errors")
    return Load(values["requests"], values["microseconds"] / 1e6, values["errors"], values["p50"], values["p99"])


def output(name: str, command: Sequence[str], core: int | None, seconds: int) -> str:
    """What a load generator, that should end after `seconds`, prints. Raises BenchError when it does not end."""
    with pinned(core):
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return process.communicate(timeout=seconds + _GRACE_SECONDS)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        raise BenchError(f"{name} did not end: {' '.join(command)}") from None
    finally:
        stop(process)


def last(text: str) -> str:
    """The end of what a program said, on one line."""
    return " | ".join(text.strip().splitlines()[-3:])


def version(wrk: str) -> str:
    """As in `wrk 4.1.0`."""
    # It prints its version and its usage, and calls that a failure.
    result = subprocess.run([wrk, "-v"], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    return " ".join(result.stdout.split()[:2])
