"""Zonal shifts (alb:zonal-shift; bc:arc-zonal-shift): traffic of one load balancer moved away from one zone, for a time.

A shift is over when its time has come, without anybody doing anything: what it is follows from its row and `now`.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ZonalShift:
    """`away_from` is the zone as the caller named it (name or id), `zone` its name. Times are lab time."""

    zonal_shift_id: str
    resource_arn: str
    away_from: str
    zone: str
    start_time: float
    expiry_time: float
    comment: str
    canceled: bool = False

    @property
    def key(self) -> str:
        return self.zonal_shift_id

    def status(self, now: float) -> str:
        """ACTIVE, EXPIRED or CANCELED."""
        if self.canceled:
            return "CANCELED"
        return "ACTIVE" if now < self.expiry_time else "EXPIRED"


def active_shift(shifts: Iterable[ZonalShift], resource_arn: str, now: float) -> ZonalShift | None:
    """The one shift in effect for a load balancer."""
    of_resource = (shift for shift in shifts if shift.resource_arn == resource_arn)
    return next((shift for shift in of_resource if shift.status(now) == "ACTIVE"), None)
