"""The capacity of a group as it will be once the steps said so far have been taken.

The only mutable thing of a look: made at its beginning, and told of each termination and launch as it is decided, so that
the next decision sees what the last one left.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from lab.core.autoscaling.counts import is_capacity, is_owed
from lab.core.autoscaling.model import IN_SERVICE, AutoScalingGroup, Member
from lab.core.autoscaling.steps import Kind
from lab.core.autoscaling.view import MemberView, successors
from lab.core.autoscaling.zones import BEST_EFFORT, doubtful, held


class Roster:
    """`staying` are the members held against the desired capacity, by id. `outgoing` are those that stay in service beside
    it until their successor is ready. `owed` are those that leave or are on their way out and have no successor yet, with
    the kind. `left` are those that leave by a step of this look. `is_warm` tells of a zone whether the warm pool has something
    ready in it."""

    def __init__(self, views: Sequence[MemberView], is_warm: Callable[[str], bool]) -> None:
        self._is_warm = is_warm
        before = successors(views)
        counting = {view.id: view.member for view in views if is_capacity(view.member) and not view.failed}
        self.staying: dict[str, Member] = {name: one for name, one in counting.items() if name not in before}
        self.outgoing: set[str] = counting.keys() & before.keys()
        self._aside = {before[name].id: counting[name] for name in self.outgoing}
        self.owed: dict[str, Kind] = {
            view.id: Kind(view.member.leaving_kind or Kind.UNHEALTHY) for view in views if is_owed(view.member)
        }
        self.left: set[str] = set()
        self._launched = 0
        self.sizes: Counter[str] = Counter(member.zone for member in self.staying.values())
        self._coming = Counter(member.zone for member in counting.values() if member.state != IN_SERVICE)

    @property
    def count(self) -> int:
        """What is held against the desired capacity."""
        return len(self.staying) + self._launched

    def leave(self, instance_id: str, owed: Kind | None = None) -> None:
        """The member goes; a successor is owed if a kind is given."""
        member = self.staying.pop(instance_id, None)
        if member is not None:
            self.sizes[member.zone] -= 1
        self.outgoing.discard(instance_id)
        self.left.add(instance_id)
        self._stays_after_all(instance_id)
        if owed is not None:
            self.owed[instance_id] = owed

    def _stays_after_all(self, successor_id: str) -> None:
        """Who stood aside for one that leaves now counts again: it still serves, and needs no other in its place."""
        member = self._aside.pop(successor_id, None)
        if member is not None and member.instance_id in self.outgoing:
            self.outgoing.discard(member.instance_id)
            self.staying[member.instance_id] = member
            self.sizes[member.zone] += 1

    def step_aside(self, instance_id: str, group: AutoScalingGroup, now: float) -> str | None:
        """The member makes room for a successor, and leaves when that one is ready; the zone of the successor, None when
        there is none for it now and the member stays as it is."""
        member = self.staying.pop(instance_id)
        self.sizes[member.zone] -= 1
        zone = self.launch(group, now)
        if zone is None:
            self.staying[instance_id] = member
            self.sizes[member.zone] += 1
        else:
            self.outgoing.add(instance_id)
        return zone

    def launch(self, group: AutoScalingGroup, now: float) -> str | None:
        """One more; the zone it goes to, the one with the fewest. Of equals one in which an instance is warm comes first, then
        the group's order tells them apart. None when nothing can be launched for now: every zone is left alone after
        failures, or with `balanced-only` the one in turn is."""
        usable = self.usable(group, now)
        zones = usable if group.capacity_distribution == BEST_EFFORT else group.zones
        zone = min(zones, key=lambda zone: (self.sizes[zone], not self._is_warm(zone)), default=None)
        if zone is None or zone not in usable:
            return None
        self.sizes[zone] += 1
        self._coming[zone] += 1
        self._launched += 1
        return zone

    def usable(self, group: AutoScalingGroup, now: float) -> tuple[str, ...]:
        """The zones that take a launch. One in which launches failed is tried with one instance when its time has come."""
        return tuple(
            zone
            for zone in group.zones
            if not held(group.zone_holds, zone, now) and not (doubtful(group.zone_holds, zone) and self._coming[zone])
        )
