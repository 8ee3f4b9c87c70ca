"""What happened, on one time axis: activities of groups, transitions of alarms, decisions; each with why, in sentences."""

from typing import Any

from lab.core.autoscaling.model import Activity
from lab.core.autoscaling.policy import Decision
from lab.core.autoscaling.story import sentences, why
from lab.core.cloudwatch.history import reason_of
from lab.core.cloudwatch.model import AlarmHistory
from lab.core.store import Store

TRANSITION = "StateUpdate"


def events(store: Store, since: float) -> list[dict[str, Any]]:
    """Those of lab time `since` and after, the oldest first. `id` names the thing, `revision` tells whether it has changed:
    an activity that ends is the same event with another revision."""
    found = [
        *(_activity(row) for row in store.all(Activity) if row.start_time >= since or (row.end_time or since) > since),
        *(_decision(row) for row in store.all(Decision) if row.current != row.desired and row.at >= since),
        *(
            _transition(row)
            for row in store.all(AlarmHistory)
            if row.item_type == TRANSITION and row.timestamp >= since
        ),
    ]
    return sorted(found, key=lambda event: (event["at"], event["id"]))


def _activity(row: Activity) -> dict[str, Any]:
    kind = "launch" if row.description.startswith("Launching") else "terminate"
    return {
        "id": row.activity_id,
        "revision": row.status_code,
        "at": row.start_time,
        "end": row.end_time,
        "kind": kind if row.description.startswith(("Launching", "Terminating")) else "activity",
        "subject": row.group,
        "title": row.description,
        "status": row.status_code,
        "story": [text for text in (row.cause, row.status_message) if text],
    }


def _decision(row: Decision) -> dict[str, Any]:
    return {
        "id": row.decision_id,
        "revision": str(row.count),
        "at": row.at,
        "end": None,
        "kind": "decision",
        "subject": row.group,
        "title": f"{row.policy}: {row.current} → {row.desired}",
        "status": why(row),
        "story": sentences(row),
    }


def _transition(row: AlarmHistory) -> dict[str, Any]:
    state = row.summary.rpartition(" ")[2]
    return {
        "id": row.item_id,
        "revision": "",
        "at": row.timestamp,
        "end": None,
        "kind": "alarm",
        "subject": row.alarm_name,
        "title": f"{row.alarm_name}: {row.summary.removeprefix('Alarm updated from ').replace(' to ', ' → ')}",
        "status": state,
        "story": [reason_of(row)],
    }
