"""What one instance can do: measured by `lab calibrate`, or the defaults here. Read from and written to a small JSON file.

The defaults are the sample application's `/burn?ms=25` on Docker, where the CPU allowance is enforced: 25 ms of CPU a request,
and so 20 requests a second on the half vCPU of a t3.micro.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lab.simulate.queueing import Server


class CalibrationError(ValueError):
    """A calibration that makes no sense; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of an instance:

    * `cpu_seconds`: CPU time of one request; `idle_cpu`: the share of the allowance it uses without any.
    * `capacity`: requests per second that it serves at most, for each vCPU of its allowance.
    * `workers`: requests served at a time.
    * `service_seconds`: time of service of a request while the instance is idle; `service_cv`: its coefficient of variation;
      `base_seconds`: what is on top and keeps no worker (network, database).
    * `line`: requests that may wait; `timeout`: seconds after which the load balancer gives up on one (504).
    * `launch_seconds`: from the launch until it runs; `boot_seconds`: from then until it answers.
    * `warm_up_seconds`: how long it is less efficient after that; `warm_up_factor`: how much longer a request takes at the
      beginning, going down to 1 in a straight line.
    * `health_checks_wait`: whether a health check waits in the same line, so that overload makes an instance unhealthy.

    `note` says where it comes from."""

    cpu_seconds: float = 0.025
    idle_cpu: float = 0.01
    capacity: float = 40.0
    workers: int = 1
    service_seconds: float = 0.025
    service_cv: float = 0.2
    base_seconds: float = 0.003
    line: int = 2048
    timeout: float = 60.0
    launch_seconds: float = 15.0
    boot_seconds: float = 45.0
    warm_up_seconds: float = 0.0
    warm_up_factor: float = 1.0
    health_checks_wait: bool = False
    note: str = "the lab's defaults"

    def server(self, vcpus: float, slowness: float) -> Server:
        """An instance of that size as a queue; `slowness` is the factor by which a request takes longer just now."""
        return Server(self.workers, self.capacity * vcpus / slowness, self.service_cv, self.line, self.timeout)

    def slowness(self, age: float) -> float:
        """`age` seconds after the instance answered for the first time."""
        if age >= self.warm_up_seconds:
            return 1.0
        return 1.0 + (self.warm_up_factor - 1.0) * (1.0 - age / self.warm_up_seconds)


LEAST = {
    "cpu_seconds": 0.0, "idle_cpu": 0.0, "service_seconds": 1e-6, "service_cv": 0.0, "base_seconds": 0.0, "capacity": 1e-3,
    "workers": 1, "line": 0, "timeout": 1e-3, "launch_seconds": 0.0, "boot_seconds": 0.0, "warm_up_seconds": 0.0,
    "warm_up_factor": 1.0,
}  # fmt: skip


def read(path: Path) -> Calibration:
    """The calibration of a JSON file; what it leaves out is the default. Raises CalibrationError."""
    try:
        body = json.loads(path.read_text())
    except OSError as error:
        raise CalibrationError(f"the calibration {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CalibrationError(f"the calibration {path} is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise CalibrationError(f"the calibration {path} is no JSON object")
    return from_json(body, str(path))


def from_json(body: Mapping[str, Any], name: str) -> Calibration:
    """Raises CalibrationError."""
    kinds: dict[str, Any] = {field.name: field.type for field in fields(Calibration)}
    values: dict[str, Any] = {}
    for key, value in body.items():
        if key not in kinds:
            raise CalibrationError(f"{name}: there is no {key!r}; a calibration has {', '.join(kinds)}")
        right = type(value) in (int, float) if kinds[key] is float else type(value) is kinds[key]
        if not right:
            raise CalibrationError(f"{name}: {key} must be of type {kinds[key].__name__}, not {value!r}")
        if key in LEAST and not LEAST[key] <= value < 1e9:
            raise CalibrationError(f"{name}: {key} must be {LEAST[key]:g} at least, not {value!r}")
        values[key] = float(value) if kinds[key] is float else value
    return Calibration(**values)


def write(calibration: Calibration, path: Path) -> None:
    path.write_text(json.dumps(asdict(calibration), indent=1, ensure_ascii=False) + "\n")
