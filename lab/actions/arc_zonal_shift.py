"""Zonal shifts: traffic of a load balancer away from one zone, until a time (bc:arc-zonal-shift, alb:zonal-shift).

The resources are the load balancers whose attribute zonal_shift.config.enabled is true. Expiry is in lab time. AWS tells the
`reason` of an error in a member of its own; here it is the last word of the message.
"""

import re
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require
from lab.core.arc_zonal_shift import ZonalShift, active_shift
from lab.core.elbv2.model import LoadBalancer
from lab.core.errors import LabError
from lab.core.times import moment

EXPIRES_IN = re.compile(r"([1-9][0-9]{0,3})([mh])")
LONGEST_MINUTES = 72 * 60
COMMENT = 128


@reads("resourceIdentifier", "awayFrom", "expiresIn", "comment")
def start_zonal_shift(context: Context, request: Request) -> Response:
    balancer = _managed(context, request["resourceIdentifier"])
    zone = _zone(context, balancer, request["awayFrom"])
    running = active_shift(context.store.all(ZonalShift), balancer.arn, context.now)
    if running is not None:
        raise _conflict(
            f"The zonal shift {running.zonal_shift_id} of this resource is active: update or cancel it",
            "ZonalShiftAlreadyExists",
        )
    shift = ZonalShift(
        zonal_shift_id=context.new_id("uuid"),
        resource_arn=balancer.arn,
        away_from=request["awayFrom"],
        zone=zone,
        start_time=context.now,
        expiry_time=context.now + _seconds(request["expiresIn"]),
        comment=_comment(request["comment"]),
    )
    context.store.put(shift)
    return _shift(shift, context.now)


@reads("zonalShiftId", "comment", "expiresIn")
def update_zonal_shift(context: Context, request: Request) -> Response:
    """A new expiry counts from now."""
    shift = _active(context, request["zonalShiftId"])
    if "expiresIn" in request:
        shift = replace(shift, expiry_time=context.now + _seconds(request["expiresIn"]))
    if "comment" in request:
        shift = replace(shift, comment=_comment(request["comment"]))
    context.store.put(shift)
    return _shift(shift, context.now)


@reads("zonalShiftId")
def cancel_zonal_shift(context: Context, request: Request) -> Response:
    shift = replace(_active(context, request["zonalShiftId"]), canceled=True)
    context.store.put(shift)
    return _shift(shift, context.now)


@reads("nextToken", "status", "maxResults", "resourceIdentifier")
def list_zonal_shifts(context: Context, request: Request) -> Response:
    """Newest first, those that are over too."""
    wanted, resource = request.get("status"), request.get("resourceIdentifier")
    if wanted not in (None, "ACTIVE", "EXPIRED", "CANCELED"):
        raise _invalid(f"status '{wanted}' must be ACTIVE, EXPIRED or CANCELED", "InvalidStatus")
    found = [
        shift
        for shift in reversed(context.store.all(ZonalShift))
        if wanted in (None, shift.status(context.now)) and resource in (None, shift.resource_arn)
    ]
    return {"items": [{**_shift(shift, context.now), "shiftType": "ZONAL_SHIFT"} for shift in found]}


@reads("resourceIdentifier")
def get_managed_resource(context: Context, request: Request) -> Response:
    return _resource(_managed(context, request["resourceIdentifier"]), context)


@reads("nextToken", "maxResults")
def list_managed_resources(context: Context, request: Request) -> Response:
    found = [balancer for balancer in context.store.all(LoadBalancer) if balancer.shifts_zones]
    zones = ({"availabilityZones": [node.availability_zone for node in balancer.nodes]} for balancer in found)
    return {"items": [{**_resource(one, context), **more} for one, more in zip(found, zones, strict=True)]}


def _managed(context: Context, identifier: str) -> LoadBalancer:
    message = f"The resource '{identifier}' is not managed: zonal shift is for load balancers"
    balancer = require(context.store, LoadBalancer, identifier, "ResourceNotFoundException", message, 404)
    if not balancer.shifts_zones:
        raise LabError(
            "ResourceNotFoundException",
            f"The load balancer '{identifier}' is not managed: set its attribute zonal_shift.config.enabled to true",
            status=404,
        )
    return balancer


def _active(context: Context, shift_id: str) -> ZonalShift:
    message = f"There is no zonal shift '{shift_id}'"
    shift = require(context.store, ZonalShift, shift_id, "ResourceNotFoundException", message, 404)
    status = shift.status(context.now)
    if status != "ACTIVE":
        raise _conflict(f"The zonal shift {shift_id} is {status}: start a new one", "ZonalShiftStatusNotActive")
    return shift


def _zone(context: Context, balancer: LoadBalancer, given: str) -> str:
    """The zone's name. It is given by name or by id; the ids are those of DescribeAvailabilityZones."""
    by_id = {f"use1-az{index}": name for index, name in enumerate(context.account.zones, 1)}
    zone = by_id.get(given, given)
    if zone not in {node.availability_zone for node in balancer.nodes}:
        raise _invalid(f"The load balancer has no node in the Availability Zone '{given}'", "InvalidAz")
    return zone


def _seconds(expires_in: str) -> float:
    found = EXPIRES_IN.fullmatch(expires_in)
    minutes = 0 if found is None else int(found[1]) * (60 if found[2] == "h" else 1)
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise _invalid(f"expiresIn '{expires_in}' must be from 1m to 72h, in whole m or h", "InvalidExpiresIn")
    return minutes * 60.0


def _comment(text: str) -> str:
    if len(text) > COMMENT:
        raise _invalid(f"A comment has at most {COMMENT} characters", "MissingValue")
    return text


def _invalid(message: str, reason: str) -> LabError:
    return LabError("ValidationException", f"{message} ({reason})")


def _conflict(message: str, reason: str) -> LabError:
    return LabError("ConflictException", f"{message} ({reason})", status=409)


def _shift(shift: ZonalShift, now: float) -> dict[str, Any]:
    return {**_brief(shift), "status": shift.status(now)}


def _brief(shift: ZonalShift) -> dict[str, Any]:
    return {
        "zonalShiftId": shift.zonal_shift_id,
        "resourceIdentifier": shift.resource_arn,
        "awayFrom": shift.away_from,
        "expiryTime": moment(shift.expiry_time),
        "startTime": moment(shift.start_time),
        "comment": shift.comment,
    }


def _resource(balancer: LoadBalancer, context: Context) -> Response:
    shift = active_shift(context.store.all(ZonalShift), balancer.arn, context.now)
    zones = [node.availability_zone for node in balancer.nodes]
    shifts = [] if shift is None else [{**_brief(shift), "appliedStatus": "APPLIED", "shiftType": "ZONAL_SHIFT"}]
    return {
        "arn": balancer.arn,
        "name": balancer.name,
        "appliedWeights": {zone: 0.0 if shift is not None and shift.zone == zone else 1.0 for zone in zones},
        "zonalShifts": shifts,
        "autoshifts": [],
        "zonalAutoshiftStatus": "DISABLED",
    }
