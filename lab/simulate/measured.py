"""The arithmetic of `lab calibrate`: from what was measured of a running lab to a calibration. Pure.

* A quiet run (few requests at a time) gives the time of service, and its spread from the distance of two percentiles: between
  the 16th and the 84th lie two standard deviations of a bell curve.
* A light request, which does almost nothing, gives what is on top of it (network, load balancer).
* A flooded run, more than the instances can do, gives their capacity: what they answered in each second.
* The CPU time of a request is what the instances used in the quiet run beyond what they use idle. (Flooded, they use all of
  their allowance, and more where nothing enforces it.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lab.load.histogram import Histogram
from lab.simulate.calibration import Calibration


class MeasuringError(ValueError):
    """What was measured does not make a calibration; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Measured:
    """`rate` is the quiet run's, in requests per second for each instance. `answered` are the flooded run's answers per second,
    of `instances` with `vcpus` each. `idle` and `busy` are CPUUtilization in percent before and in the quiet run, None when
    there was no whole minute of it. `launches` are lab seconds from a launch to InService."""

    light: Histogram
    quiet: Histogram
    rate: float
    answered: float
    instances: int
    vcpus: float
    idle: float | None
    busy: float | None
    launches: Sequence[float]


def calibration(measured: Measured, note: str) -> Calibration:
    """What an instance can do. Raises MeasuringError."""
    base, middle = measured.light.percentile(50.0), measured.quiet.percentile(50.0)
    if base is None or middle is None or measured.answered <= 0:
        raise MeasuringError("no request was answered: is the lab up, and the path right?")
    service = middle - base
    if service <= 0:
        raise MeasuringError(
            f"a request takes {middle * 1000:.1f} ms, no longer than a light one: choose a --path that works harder"
        )
    each = measured.answered / measured.instances
    default = Calibration()
    idle = default.idle_cpu if measured.idle is None else measured.idle / 100.0
    return replace(
        default,
        cpu_seconds=_cpu_seconds(measured, idle, service),
        idle_cpu=idle,
        capacity=each / measured.vcpus,
        service_seconds=service,
        service_cv=_spread(measured.quiet) / 2.0 / service,
        base_seconds=base,
        launch_seconds=_median(measured.launches, default.launch_seconds),
        boot_seconds=0.0,  # not measured: how long it takes to answer after that
        note=note,
    )


def _cpu_seconds(measured: Measured, idle: float, service: float) -> float:
    """Without a measurement: a request computes all the time that it takes."""
    if measured.busy is None:
        return service
    return max(measured.busy / 100.0 - idle, 0.0) * measured.vcpus / measured.rate


def _spread(times: Histogram) -> float:
    low, high = times.percentile(16.0), times.percentile(84.0)
    return 0.0 if low is None or high is None else high - low


def _median(values: Sequence[float], otherwise: float) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else otherwise
