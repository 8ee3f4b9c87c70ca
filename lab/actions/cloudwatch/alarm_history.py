"""What is told of the history of alarms (bc:cloudwatch.DescribeAlarmHistory; aws-facts §10.6)."""

from typing import Any

from lab.actions.cloudwatch.alarm_reports import given, types_of
from lab.actions.cloudwatch.common import check_choice
from lab.actions.cloudwatch.pages import invalid_token, last_seen, page
from lab.actions.context import Context, Request, Response, reads
from lab.core.cloudwatch.model import AlarmHistory
from lab.core.times import moment


@reads("AlarmName", "HistoryItemType", "StartDate", "EndDate", "MaxRecords", "NextToken", "ScanBy", "AlarmTypes")
def describe_alarm_history(context: Context, request: Request) -> Response:
    """Of metric alarms unless AlarmTypes says otherwise, also of those that are gone; newest first unless ScanBy says
    otherwise."""
    kind, types = request.get("HistoryItemType"), types_of(request)
    start = request["StartDate"].timestamp() if "StartDate" in request else float("-inf")
    end = request["EndDate"].timestamp() if "EndDate" in request else float("inf")
    rows = (
        context.store.where(AlarmHistory, "alarm_name", request["AlarmName"])
        if "AlarmName" in request
        else context.store.all(AlarmHistory)
    )
    found = [
        row
        for row in rows
        if row.alarm_type in types and kind in (None, row.item_type) and start <= row.timestamp <= end
    ]
    scan = request.get("ScanBy", "TimestampDescending")
    check_choice("ScanBy", scan, ("TimestampDescending", "TimestampAscending"))
    if scan == "TimestampDescending":
        found.reverse()
    shown, token = page(_after(found, last_seen(request)), lambda row: row.item_id, request)
    return {"AlarmHistoryItems": [_item(row) for row in shown], **token}


def _after(rows: list[AlarmHistory], item_id: str | None) -> list[AlarmHistory]:
    if item_id is None:
        return rows
    for index, row in enumerate(rows):
        if row.item_id == item_id:
            return rows[index + 1 :]
    raise invalid_token()


def _item(row: AlarmHistory) -> dict[str, Any]:
    return {
        "AlarmName": row.alarm_name,
        "AlarmType": row.alarm_type,
        "Timestamp": moment(row.timestamp),
        "HistoryItemType": row.item_type,
        "HistorySummary": row.summary,
        **given({"HistoryData": row.data}),
    }
