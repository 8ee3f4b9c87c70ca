"""What record sets say: their health, the one that a routing policy chooses, and what an alias stands for.

An alias answers with what its target has of the type asked for, and with the target's time to live. Its target's health counts
where EvaluateTargetHealth says so (bc:route53.AliasTarget).
"""

from collections.abc import Sequence
from functools import partial

from lab.core.elbv2.model import HOSTED_ZONE
from lab.core.route53 import balancers, checks
from lab.core.route53.model import AliasTarget, HealthCheck, ResourceRecordSet
from lab.core.route53.policy import choose, shuffled
from lab.core.route53.view import Source, View
from lab.core.route53.zones import sets_of

DEEPEST = 16
"""Aliases behind one another that are followed; one that leads on is broken."""

Said = tuple[int, Sequence[str]]
"""The time to live in seconds, and the values."""


class TooDeep(Exception):  # noqa: N818 - what is the case
    """Aliases lead round in a circle."""


def say(view: View, sets: Sequence[ResourceRecordSet], source: Source, depth: int = 0) -> Said | None:
    """The answer of the record sets of one name and type; None when there is none for that source. Raises TooDeep."""
    chosen = choose(sets, partial(healthy, view), source.place, view.draw) if sets else ()
    said = [found for one in chosen if (found := _of_one(view, one, source, depth)) is not None]
    values = [value for _, found in said for value in found]
    return (min(ttl for ttl, _ in said), shuffled(values, view.draw)) if values else None


def healthy(view: View, one: ResourceRecordSet) -> bool:
    """By its health check and, for an alias that evaluates it, by its target. Without either it is."""
    return _healthy(view, one, {}, 0)


def _healthy(view: View, one: ResourceRecordSet, known: dict[AliasTarget, bool], depth: int) -> bool:
    """`known` are the targets that were looked at, each once however many aliases lead to it."""
    check = view.store.get(HealthCheck, one.health_check_id) if one.health_check_id else None
    if check is not None and not checks.is_healthy(view.store, check):
        return False
    if one.alias is None or not one.alias.evaluate_target_health:
        return True
    if one.alias not in known:
        known[one.alias] = False  # an alias that leads to itself is no help
        known[one.alias] = _target_is_healthy(view, one, one.alias, known, depth)
    return known[one.alias]


def _of_one(view: View, one: ResourceRecordSet, source: Source, depth: int) -> Said | None:
    if one.alias is None:
        return (one.ttl or 0, one.values)
    if depth > DEEPEST:
        raise TooDeep
    if one.alias.hosted_zone_id != HOSTED_ZONE:
        return say(view, sets_of(view.store, one.zone_id, one.alias.dns_name, one.type), source, depth + 1)
    balancer = balancers.balancer_named(view.store, one.alias.dns_name)
    return (balancers.TTL, balancers.addresses(view, balancer)) if balancer is not None and one.type == "A" else None


def _target_is_healthy(
    view: View, one: ResourceRecordSet, alias: AliasTarget, known: dict[AliasTarget, bool], depth: int
) -> bool:
    if depth > DEEPEST:
        return False
    if alias.hosted_zone_id == HOSTED_ZONE:
        balancer = balancers.balancer_named(view.store, alias.dns_name)
        return balancer is not None and balancers.is_healthy(view, balancer)
    targets = sets_of(view.store, one.zone_id, alias.dns_name, one.type)
    return any(_healthy(view, target, known, depth + 1) for target in targets)
