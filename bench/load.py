"""Load by wrk: one thread, a fixed number of connections, each with one request under way."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.machine import pinned
from bench.processes import BenchError, stop
from bench.scenarios import NUMBER, Scenario

_MARK = "@result "
_GRACE_SECONDS = 20

# wrk renders a request once and repeats it, unless there is a global function `request`.
_REPEATED = "wrk.format = function() return {head} end\n"
_UNIQUE = """\
local run, count = tostring(os.time()), 0
request = function()
  count = count + 1
  local number = run .. count
  return {head}
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
    """What wrk saw. `errors` are connections that failed, time-outs and answers that are not 2xx or 3xx; the percentiles
    are of latency, in microseconds."""

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
        script = self.directory / f"{scenario.name}.lua"
        script.write_text(_script(scenario.head))
        command = [self.program, "-t1", f"-c{self.connections}", f"-d{seconds}s", "--latency", "-s", str(script)]
        with pinned(self.core):
            process = subprocess.Popen(
                [*command, f"http://127.0.0.1:{port}{scenario.path}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            output = process.communicate(timeout=seconds + _GRACE_SECONDS)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            raise BenchError(f"wrk did not end ({scenario.name})") from None
        finally:
            stop(process)
        return _parse(output, scenario)


def _script(head: str) -> str:
    # JSON's strings are Lua's, for ASCII.
    if NUMBER in head:
        return _UNIQUE.format(head=" .. number .. ".join(json.dumps(part) for part in head.split(NUMBER))) + _DONE
    return _REPEATED.format(head=json.dumps(head)) + _DONE


def _parse(output: str, scenario: Scenario) -> Load:
    found = re.search(f"^{_MARK}(.*)$", output, re.MULTILINE)
    if found is None:
        raise BenchError(f"wrk failed ({scenario.name}): {' | '.join(output.strip().splitlines()[-3:])}")
    values = json.loads(found[1])
    if not values["requests"]:
        raise BenchError(f"no answer came ({scenario.name}), {values['errors']} errors")
    return Load(values["requests"], values["microseconds"] / 1e6, values["errors"], values["p50"], values["p99"])


def version(wrk: str) -> str:
    """As in `wrk 4.1.0`."""
    # It prints its version and its usage, and calls that a failure.
    result = subprocess.run([wrk, "-v"], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    return " ".join(result.stdout.split()[:2])
