"""Routing policies: which of the record sets of one name and type answer (r53:routing-policy-*, and
r53:health-checks-how-route-53-chooses-records).

In all of them, sets that are unhealthy are passed over; when all are, all count as healthy. A set without a health check is
always healthy.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from lab.core.route53.model import GeoLocation, ResourceRecordSet
from lab.core.route53.view import Place

MOST_VALUES = 8
"""Of a multivalue answer."""

Sets = Sequence[ResourceRecordSet]
Healthy = Callable[[ResourceRecordSet], bool]
Draw = Callable[[], float]
T = TypeVar("T")


def choose(sets: Sets, healthy: Healthy, place: Place, draw: Draw) -> Sets:
    """`sets` have one name, type and policy and are not empty. The result is empty when none is for that place."""
    return _POLICIES[sets[0].policy](sets, healthy, place, draw)


def shuffled(items: Sequence[T], draw: Draw) -> list[T]:
    rest, found = list(items), list[T]()
    while rest:
        found.append(rest.pop(int(draw() * len(rest))))
    return found


def _simple(sets: Sets, healthy: Healthy, place: Place, draw: Draw) -> Sets:
    return sets[:1]


def _weighted(sets: Sets, healthy: Healthy, place: Place, draw: Draw) -> Sets:
    """Sets of weight 0 answer only when every other is unhealthy, or weighs as little."""
    weighing = [one for one in sets if one.weight]
    candidates = [one for one in weighing if healthy(one)] or [one for one in sets if not one.weight and healthy(one)]
    candidates = candidates or weighing or list(sets)
    weights = [one.weight or 0 for one in candidates]
    if not any(weights):
        return [candidates[int(draw() * len(candidates))]]
    mark = draw() * sum(weights)
    for one, weight in zip(candidates, weights, strict=True):
        mark -= weight
        if mark < 0:
            return [one]
    return candidates[-1:]


def _latency(sets: Sets, healthy: Healthy, place: Place, draw: Draw) -> Sets:
    """Regions of which the place says nothing are farther than all of which it does."""

    def distance(one: ResourceRecordSet) -> tuple[int, str]:
        near = place.regions
        return (near.index(one.region) if one.region in near else len(near), one.region)

    return [min(_alive(sets, healthy), key=distance)]


def _failover(sets: Sets, healthy: Healthy, place: Place, draw: Draw) -> Sets:
    by_role = sorted(sets, key=lambda one: one.failover)
    return _alive(by_role, healthy)[:1]


def _geolocation(sets: Sets, healthy: Healthy, place: Place, draw: Draw) -> Sets:
    """The smallest location that holds the place and is healthy, the default location last."""
    holding = [one for location in _locations(place) for one in sets if one.geo_location == location]
    return _alive(holding, healthy)[:1]


def _multivalue(sets: Sets, healthy: Healthy, place: Place, draw: Draw) -> Sets:
    return shuffled(_alive(sets, healthy), draw)[:MOST_VALUES]


def _alive(sets: Sets, healthy: Healthy) -> Sets:
    return [one for one in sets if healthy(one)] or sets


def _locations(place: Place) -> list[GeoLocation]:
    found = [GeoLocation(country=place.country, subdivision=place.subdivision)] if place.subdivision else []
    found += [GeoLocation(country=place.country)] if place.country else []
    found += [GeoLocation(continent=place.continent)] if place.continent else []
    return [*found, GeoLocation(country="*")]


_POLICIES: dict[str, Callable[[Sets, Healthy, Place, Draw], Sets]] = {
    "simple": _simple,
    "weighted": _weighted,
    "latency": _latency,
    "failover": _failover,
    "geolocation": _geolocation,
    "multivalue": _multivalue,
}
