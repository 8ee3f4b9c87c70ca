"""Families of samples as text, in Prometheus's format 0.0.4 (prometheus.io: docs/instrumenting/exposition_formats). Pure.

Each family has one HELP and one TYPE line, and all its samples follow them. Names of counters end in `_total`, units are base
units and part of the name (docs/practices/naming). A histogram's buckets are cumulative and the last is `+Inf`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds for times: those of Prometheus's own clients, and two below."""

Labels = Mapping[str, str]


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts` are of values up to each of `bounds`; `count` and `sum` are of all."""

    bounds: Sequence[float]
    counts: Sequence[int]
    count: int
    sum: float


@dataclass(frozen=True, slots=True)
class Family:
    """Samples with labels that differ. `name` is without a histogram's suffixes."""

    name: str
    kind: Kind
    help: str
    samples: Sequence[tuple[Labels, float | Histogram]]


def counter(name: str, help_: str, samples: Iterable[tuple[Labels, float]]) -> Family:
    return Family(name, Kind.COUNTER, help_, tuple(samples))


def gauge(name: str, help_: str, samples: Iterable[tuple[Labels, float]]) -> Family:
    return Family(name, Kind.GAUGE, help_, tuple(samples))


def exposition(families: Iterable[Family]) -> str:
    """What is scraped. A family without samples is left out."""
    return "".join(line + "\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.kind.value}"
    for labels, value in family.samples:
        if isinstance(value, Histogram):
            yield from _histogram(family.name, labels, value)
        else:
            yield f"{family.name}{_labels(labels)} {_number(value)}"


def _histogram(name: str, labels: Labels, value: Histogram) -> Iterable[str]:
    for bound, count in zip(value.bounds, value.counts, strict=True):
        yield f"{name}_bucket{_labels({**labels, 'le': _number(bound)})} {count}"
    yield f"{name}_bucket{_labels({**labels, 'le': '+Inf'})} {value.count}"
    yield f"{name}_sum{_labels(labels)} {_number(value.sum)}"
    yield f"{name}_count{_labels(labels)} {value.count}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def _number(value: float) -> str:
    """Whole numbers without a fraction; the rest as Go reads it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What a process has used and holds: seconds, bytes, descriptors. `start` is seconds since the epoch."""

    cpu: float
    resident: int
    virtual: int
    descriptors: int
    most_descriptors: int
    start: float


def process_use(stat: str, ticks: int, page: int, booted: float, descriptors: int, most: int) -> ProcessUse:
    """From the text of Linux's `/proc/PID/stat` (proc(5)): fields after the name in parentheses count from 3. `ticks` are in a
    second, `page` is in bytes, `booted` when the machine started."""
    fields = stat[stat.rindex(")") + 2 :].split()
    user, system, started, virtual, resident = (int(fields[number - 3]) for number in (14, 15, 22, 23, 24))
    return ProcessUse((user + system) / ticks, resident * page, virtual, descriptors, most, booted + started / ticks)


def process_families(use: ProcessUse) -> list[Family]:
    """By the names that every client library has (docs/instrumenting/writing_clientlibs, Standard and runtime collectors)."""

    def one(value: float) -> list[tuple[Labels, float]]:
        return [({}, value)]

    return [
        counter("process_cpu_seconds_total", "User and system CPU time of this process.", one(use.cpu)),
        gauge("process_resident_memory_bytes", "Memory of this process that is in RAM.", one(use.resident)),
        gauge("process_virtual_memory_bytes", "Address space of this process.", one(use.virtual)),
        gauge("process_open_fds", "File descriptors that are open.", one(use.descriptors)),
        gauge("process_max_fds", "File descriptors that may be open.", one(use.most_descriptors)),
        gauge("process_start_time_seconds", "When this process started, since the epoch.", one(use.start)),
    ]
