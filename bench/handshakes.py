"""Load by ab (ApacheBench): a new TLS connection with a whole handshake for each request. wrk would resume sessions."""

import re
import subprocess
from dataclasses import dataclass

from bench.load import Load, last, output
from bench.processes import BenchError
from bench.scenarios import Scenario

_UNLIMITED = 10_000_000
_FIELDS = {
    "requests": r"^Complete requests:\s+(\d+)$",
    "seconds": r"^Time taken for tests:\s+([0-9.]+) seconds$",
    "failed": r"^Failed requests:\s+(\d+)$",
    "p50": r"^\s+50%\s+(\d+)$",
    "p99": r"^\s+99%\s+(\d+)$",
}


@dataclass(frozen=True, slots=True)
class Ab:
    program: str
    connections: int
    core: int | None

    def run(self, scenario: Scenario, port: int, seconds: int) -> Load:
        # -n after -t, which sets it to 50 000.
        command = [self.program, "-q", "-r", "-c", str(self.connections), "-t", str(seconds), "-n", str(_UNLIMITED)]
        return parse(
            output("ab", [*command, f"https://127.0.0.1:{port}{scenario.path}"], self.core, seconds), scenario.name
        )


def parse(text: str, scenario: str) -> Load:
    """What ab printed. Its percentiles are whole milliseconds. Raises BenchError when that is no result."""
    found = {name: re.search(pattern, text, re.MULTILINE) for name, pattern in _FIELDS.items()}
    values = {name: float(match[1]) for name, match in found.items() if match is not None}
    if len(values) < len(_FIELDS) or not values["requests"]:
        raise BenchError(f"ab failed ({scenario}): {last(text)}")
    # This line is there only when there was one; and not everything that failed is counted by ab itself.
    other = re.search(r"^Non-2xx responses:\s+(\d+)$", text, re.MULTILINE)
    failed = max(int(values["failed"]), len(re.findall(r"SSL \w+ failed", text)))
    return Load(
        requests=int(values["requests"]),
        seconds=values["seconds"],
        errors=failed + (int(other[1]) if other is not None else 0),
        p50_us=int(values["p50"] * 1000),
        p99_us=int(values["p99"] * 1000),
    )


def version(ab: str) -> str:
    """As in `ab 2.3`."""
    result = subprocess.run([ab, "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"Version ([0-9.]+)", result.stdout)
    return f"ab {found[1]}" if found is not None else "ab"
