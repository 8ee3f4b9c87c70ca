"""Why an alarm took its state: StateReason in AWS's words and StateReasonData as AWS lays it out (aws-facts §5.3;
cw:cloudwatch-and-eventbridge, cw:alarm-actions, and what live alarms were seen to say).

* With DatapointsToAlarm: `3 out of the last 3 datapoints [32.6 (03/07/25 08:29:00), …] were greater than the threshold (31.0)
  (minimum 3 datapoints for OK -> ALARM transition).` The transition is named by where it leads, also from INSUFFICIENT_DATA.
* Without: `3 datapoints […] were greater than the threshold (31.0).`
* More than three are not listed inside the sentence; the five newest follow it.
* Filled data points are told apart: `and 2 missing datapoints were treated as [Breaching]`.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from lab.core.cloudwatch.model import ALARM, INSUFFICIENT_DATA, MetricAlarm
from lab.core.cloudwatch.verdict import Datapoint, Verdict, breaches, needed_to_alarm
from lab.core.times import alarm_date, iso_offset

LISTED_INSIDE = 3
LISTED_AFTER = 5
LONGEST_DATA = 4000
"""bc:cloudwatch.StateReasonData."""
WORDS = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


def reason(alarm: MetricAlarm, state: str, verdict: Verdict) -> str:
    """The sentence for the alarm's taking `state`."""
    periods = alarm.evaluation_periods
    if state == INSUFFICIENT_DATA:
        return f"Insufficient Data: {_count(periods, 'datapoint')} {_was(periods)} unknown."
    wrong = breaches(alarm)
    speaking = [point for point in verdict.used if wrong(point) == (state == ALARM)]
    if not speaking:
        received = len(verdict.used)
        counted = _count(received, "datapoint") if received else "no datapoints"
        was = _was(received) if received else "were"
        return f"Threshold Crossed: {counted} {was} received for {_count(periods, 'period')}{_filled(alarm, verdict)}."
    return f"Threshold Crossed: {_crossed(alarm, state, speaking, _filled(alarm, verdict))}."


def _crossed(alarm: MetricAlarm, state: str, speaking: Sequence[Datapoint], filled: str) -> str:
    number = len(speaking)
    stated = alarm.datapoints_to_alarm is not None
    counted = (
        f"{number} out of the last {alarm.evaluation_periods} datapoints" if stated else _count(number, "datapoint")
    )
    verb = _was(number) + ("" if state == ALARM else " not")
    compared = f"{verb} {WORDS[alarm.comparison_operator]} the threshold ({java_double(alarm.threshold)}){filled}"
    minimum = f" ({_minimum(alarm, state)})" if stated else ""
    if number <= LISTED_INSIDE:
        return f"{counted} [{_listed(speaking)}] {compared}{minimum}"
    newest = _listed(speaking[-LISTED_AFTER:])
    return f"{counted} {compared}. The most recent datapoints which crossed the threshold: [{newest}]{minimum}"


def _minimum(alarm: MetricAlarm, state: str) -> str:
    needed = needed_to_alarm(alarm)
    if state == ALARM:
        return f"minimum {_count(needed, 'datapoint')} for OK -> ALARM transition"
    return f"minimum {_count(alarm.evaluation_periods - needed + 1, 'datapoint')} for ALARM -> OK transition"


def _filled(alarm: MetricAlarm, verdict: Verdict) -> str:
    number = len(verdict.filled)
    treated = {"breaching": "Breaching", "notBreaching": "NonBreaching"}.get(alarm.treat_missing_data or "")
    if not number or treated is None:
        return ""
    return f" and {number} missing datapoint{'s' if number != 1 else ''} {_was(number)} treated as [{treated}]"


def _listed(points: Sequence[Datapoint]) -> str:
    """Newest first."""
    return ", ".join(
        f"{java_double(point.value)} ({alarm_date(point.start)})"
        for point in reversed(points)
        if point.value is not None
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def java_double(value: float) -> str:
    """As AWS writes numbers in sentences: `50.0`, `2.147483648E10`, `1.0E-4`."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(float(value))
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    assert isinstance(exponent, int)
    first, rest = digits[0], "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{first}.{rest}E{exponent + len(digits) - 1}"


def reason_data(alarm: MetricAlarm, verdict: Verdict, now: float) -> str:
    """StateReasonData, with the oldest data points left out where it would be longer than AWS's 4000 characters."""
    used, evaluated = verdict.used, sorted((*verdict.used, *verdict.filled), key=lambda point: -point.start)
    document: dict[str, Any] = {
        "version": "1.0",
        "queryDate": iso_offset(now),
        **({"startDate": iso_offset(used[0].start)} if used else {}),
        **({"unit": alarm.unit} if alarm.unit else {}),
        **({"statistic": alarm.statistic} if alarm.statistic else {}),
        "period": alarm.period,
        "recentDatapoints": [point.value for point in used],
        "threshold": alarm.threshold,
        "evaluatedDatapoints": [_evaluated(point) for point in evaluated],
    }
    text = to_json(document)
    while len(text) > LONGEST_DATA:
        shorter = document["evaluatedDatapoints"]
        if shorter:
            document["evaluatedDatapoints"] = shorter[: len(shorter) // 2]
        else:
            document["recentDatapoints"] = document["recentDatapoints"][len(document["recentDatapoints"]) // 2 + 1 :]
        text = to_json(document)
    return text


def _evaluated(point: Datapoint) -> dict[str, Any]:
    return {
        "timestamp": iso_offset(point.start),
        **({} if point.sample_count is None else {"sampleCount": point.sample_count}),
        **({} if point.value is None else {"value": point.value}),
    }


def to_json(document: Any) -> str:
    """As AWS writes it: without spaces."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
