"""The health of simulated targets: checks at the target group's interval, judged as real nodes judge theirs.

All nodes see the same. A check passes once the instance has booted; with `health_checks_wait` it also waits in the instance's
line, and fails where that is longer than the check's time-out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lab.core.elbv2.config import HealthCheck, LoadBalancerConfig
from lab.core.elbv2.health import DRAINING, FAILED, PASSED, REGISTERED, TIMED_OUT, CheckResult, TargetHealth, after
from lab.simulate.fleet import Host

Key = tuple[str, str, int]
"""Target group ARN, target id and port."""


@dataclass(slots=True)
class Checked:
    """A target: its health, when it is checked next, and since when it has been healthy."""

    settings: HealthCheck
    next_at: float
    health: TargetHealth = REGISTERED
    healthy_since: float = 0.0


class Targets:
    """`host` finds an instance; `overload` is the calibration's `health_checks_wait`. `version` grows with every change."""

    def __init__(self, host: Callable[[str], Host | None], *, overload: bool) -> None:
        self._host = host
        self._overload = overload
        self._known: dict[Key, Checked] = {}
        self._watched: dict[Key, Checked] = {}
        self.version = 0

    def use(self, documents: Iterable[LoadBalancerConfig], now: float) -> None:
        """These are the documents in force: targets that come are checked at once, those that go or drain no more."""
        checked = {
            (group.arn, target.id, target.port): group.health_check
            for document in documents
            for group in document.target_groups
            for target in group.targets
            if not target.draining
        }
        self._known = {key: self._known.get(key) or Checked(settings, now) for key, settings in checked.items()}
        self._watched = {key: one for key, one in self._known.items() if self._overload or not one.health.healthy}
        self.version += 1

    def follow(self, now: float) -> None:
        """Every check that was due up to now."""
        for key, checked in list(self._watched.items()):
            before = checked.health.state
            while checked.next_at <= now:
                self._check(key, checked)
            if checked.health.state is not before:
                self.version += 1
            if checked.health.healthy and not self._overload:
                del self._watched[key]

    def _check(self, key: Key, checked: Checked) -> None:
        healthy = checked.health.healthy
        checked.health = after(checked.health, self._result(key, checked), checked.settings)
        if checked.health.healthy and not healthy:
            checked.healthy_since = checked.next_at
        checked.next_at += checked.settings.interval

    def _result(self, key: Key, checked: Checked) -> CheckResult:
        host = self._host(key[1])
        if host is None or checked.next_at < host.answers_at:
            return FAILED
        return TIMED_OUT if self._overload and host.response_seconds > checked.settings.timeout else PASSED

    def health(self, key: Key) -> TargetHealth:
        """A target that is not checked drains."""
        checked = self._known.get(key)
        return DRAINING if checked is None else checked.health

    def healthy_since(self, key: Key) -> float | None:
        """None while it is not healthy."""
        checked = self._known.get(key)
        return checked.healthy_since if checked is not None and checked.health.healthy else None

    @property
    def settled(self) -> bool:
        """No target is on its way to another state, as far as one can tell."""
        return self._overload or not self._watched
