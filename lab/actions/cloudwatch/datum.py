"""One datum of PutMetricData: what AWS takes, and what it says to the rest (bc:cloudwatch.MetricDatum; the words of refusals
are AWS's where a recording of them is public)."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.utils import parse_to_aware_datetime

from lab.actions.cloudwatch.common import metric_of
from lab.actions.cloudwatch.queries import UNITS
from lab.core.cloudwatch.metric import Metric, Statistics, of_values, single
from lab.core.cloudwatch.retention import DAY, HOUR
from lab.core.errors import LabError

LARGEST = 2.0**360
MOST_DATA = 1000
MOST_VALUES = 150
MOST_DIMENSIONS = 30
PAST, FUTURE = 14 * DAY, 2 * HOUR

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Datum:
    """`statistics` is None where every count is 0: nothing came."""

    metric: Metric
    statistics: Statistics | None
    timestamp: float
    resolution: int
    unit: str


def instant(value: Any) -> float:
    """A timestamp as botocore's shapes allow it, in seconds since the epoch."""
    return float(parse_to_aware_datetime(value).timestamp())


def bad_value(message: str) -> LabError:
    return LabError("InvalidParameterValue", message)


def bad_combination(message: str) -> LabError:
    return LabError("InvalidParameterCombination", message)


def check_size(member: str, given: Iterable[Any], most: int) -> None:
    if len(list(given)) > most:
        raise bad_value(f"The collection {member} must not have a size greater than {most}.")


def check_namespace(namespace: str) -> None:
    """Of a metric of one's own."""
    if namespace.startswith("AWS/"):
        raise bad_value("The value AWS/ for parameter Namespace is invalid: it is reserved")
    check_text("Namespace", namespace, 255, colon=False)


def check_text(member: str, text: str, longest: int, *, colon: bool) -> None:
    """Printable ASCII with something to see in it, and not beginning with a colon unless it may."""
    if not text.isascii() or not text.isprintable() or not text.strip():
        raise bad_value(
            f"The value for parameter {member} must be ASCII, without control characters, and not only spaces."
        )
    if len(text) > longest:
        raise bad_value(f"The value for parameter {member} must not be longer than {longest} characters.")
    if not colon and text.startswith(":"):
        raise bad_value(f"The value for parameter {member} must not begin with a colon.")


def datum(given: Given, namespace: str, number: int, now: float) -> Datum:
    """The datum with this number, counted from 1. Raises LabError."""
    path = f"MetricData.member.{number}"
    _check_identity(given, path)
    unit, resolution = given.get("Unit", ""), given.get("StorageResolution", 60)
    if unit and unit not in UNITS:
        raise bad_value(f"The parameter {path}.Unit must be a value in the set [ {', '.join(UNITS)} ].")
    if resolution not in (1, 60):
        raise bad_value(f"The parameter {path}.StorageResolution must be 1 or 60.")
    metric = metric_of({**given, "Namespace": namespace})
    return Datum(metric, _statistics(given, path), _timestamp(given, path, now), resolution, unit)


def _check_identity(given: Given, path: str) -> None:
    if len(given["MetricName"]) > 255:
        raise bad_value(f"The value for parameter {path}.MetricName must not be longer than 255 characters.")
    dimensions = given.get("Dimensions", ())
    check_size(f"{path}.Dimensions", dimensions, MOST_DIMENSIONS)
    for index, row in enumerate(dimensions, 1):
        check_text(f"{path}.Dimensions.member.{index}.Name", row["Name"], 255, colon=False)
        check_text(f"{path}.Dimensions.member.{index}.Value", row["Value"], 1024, colon=True)
    if len({row["Name"] for row in dimensions}) < len(dimensions):
        raise bad_value(f"The names in {path}.Dimensions must not be duplicated.")


def _timestamp(given: Given, path: str, now: float) -> float:
    if "Timestamp" not in given:
        return now
    timestamp = instant(given["Timestamp"])
    if timestamp < now - PAST:
        raise bad_value(f"The parameter {path}.Timestamp must specify a time within the past two weeks.")
    if timestamp > now + FUTURE:
        raise bad_value(f"The parameter {path}.Timestamp must specify a time no more than two hours in the future.")
    return timestamp


def _statistics(given: Given, path: str) -> Statistics | None:
    """Of the one of three forms in which data comes."""
    present = [member for member in ("Value", "Values", "StatisticValues") if member in given]
    match present:
        case ["Value"]:
            return single(_number(given["Value"], f"{path}.Value"))
        case ["Values"]:
            return of_values(_pairs(given["Values"], given.get("Counts"), path))
        case ["StatisticValues"]:
            return _set(given["StatisticValues"], f"{path}.StatisticValues")
        case []:
            raise bad_combination(f"At least one of Value, Values and StatisticValues of {path} must be specified.")
    first, second = present[:2]
    raise bad_combination(
        f"The parameters {path}.{first} and {path}.{second} are mutually exclusive and you have specified both."
    )


def _number(value: float, path: str) -> float:
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise bad_value(f"The value {'NaN' if math.isnan(value) else value} for parameter {path} is invalid.")
    return float(value)


def _pairs(values: list[float], counts: list[float] | None, path: str) -> list[tuple[float, float]]:
    check_size(f"{path}.Values", values, MOST_VALUES)
    if counts is not None and len(counts) != len(values):
        raise bad_value(f"The parameters {path}.Values and {path}.Counts must be of the same size.")
    found = [
        (_number(value, f"{path}.Values"), _number(count, f"{path}.Counts"))
        for value, count in zip(values, counts or [1.0] * len(values), strict=True)
    ]
    if any(count < 0 for _, count in found):
        raise bad_value(f"The parameter {path}.Counts must not hold negative numbers.")
    return found


def _set(given: Given, path: str) -> Statistics:
    count, total, lowest, highest = (
        _number(given[member], f"{path}.{member}") for member in ("SampleCount", "Sum", "Minimum", "Maximum")
    )
    if count <= 0:
        raise bad_value(f"The value {count:g} for parameter {path}.SampleCount is invalid: it must be greater than 0.")
    if lowest > highest:
        raise bad_value(f"The parameter {path}.Minimum must not be greater than {path}.Maximum.")
    return Statistics(count, total, lowest, highest)
