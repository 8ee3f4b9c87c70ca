"""Forward actions: which target group, which target, and the cookies that make it last (alb:rule-action-types).

Groups share by weight; there is no failing over from a group without usable targets to another. A client with an AWSALBTG
cookie stays with its group as long as the action names the group, also at weight 0. A sticky request does not ask the
group's algorithm. Application cookies do not work with several groups (alb:edit-target-group-attributes).
"""

from lab.core.elbv2.rules import Forward
from services.lb.routing.cookies import Seal, our_cookies
from services.lb.routing.stickiness import AppCookie, GroupCookie, Session, TargetCookie
from services.lb.targets.balance import Balancer, Shares
from services.lb.targets.group import Group
from services.lb.targets.target import TargetState


class Choice:
    """The answer for one request. `target` is None when the group has none: 503. `missed`: the group is sticky, and the
    request had no session to stay with (NonStickyRequestCount)."""

    __slots__ = ("_app", "_cookies", "_session", "_wall", "group", "missed", "target")

    def __init__(self, group: Group | None, wall: float) -> None:
        self.group = group
        self.target: TargetState | None = None
        self.missed = False
        self._wall = wall
        self._cookies = b""
        self._app: AppCookie | None = None
        self._session: Session | None = None

    def set_cookies(self, response_head: bytes) -> bytes:
        """What to append to the head of the target's answer: b"", or lines that begin with CR LF and end without."""
        app, session, target = self._app, self._session, self.target
        if app is None or session is None or target is None:
            return self._cookies
        return self._cookies + app.write(session, (target.id, target.port), response_head, self._wall)


class _Party:
    """A group of a forward action, and how sessions stay with its targets: by at most one of the two cookies."""

    __slots__ = ("app", "cookie", "group")

    def __init__(self, group: Group) -> None:
        self.group = group
        self.cookie: TargetCookie | None = None
        self.app: AppCookie | None = None


class ForwardRoute:
    """A compiled Forward. `balancer` is there when nothing else need be asked: one group, and no stickiness."""

    __slots__ = ("_by_arn", "_parties", "_reads_cookies", "_sticky", "balancer", "shares")

    def __init__(
        self,
        action: Forward,
        groups: dict[str, Group],
        shares: Shares,
        seal: Seal | None,
        load_balancer_arn: str,
        speed: float,
    ) -> None:
        """`seal` None: no cookies, hence no stickiness. `shares` are of the action's weights."""
        self.shares = shares
        self._parties = [_Party(groups[arn]) for arn, _ in action.target_groups]
        self._by_arn = {party.group.arn: party for party in self._parties}
        self._sticky: GroupCookie | None = None
        if seal is not None:
            if action.stickiness is not None:
                self._sticky = GroupCookie(seal, load_balancer_arn, action.stickiness / speed)
            for party in self._parties:
                _make_sticky(party, seal, load_balancer_arn, speed, alone=len(self._parties) == 1)
        self._reads_cookies = self._sticky is not None or any(
            party.cookie is not None or party.app is not None for party in self._parties
        )
        weighty = [party for party, (_, weight) in zip(self._parties, action.target_groups, strict=True) if weight > 0]
        plain = len(weighty) == 1 and not self._reads_cookies
        self.balancer: Balancer | None = weighty[0].group.balancer if plain else None

    def choose(self, head: bytes, now: float, wall: float) -> Choice:
        """`head` is the request's, `now` the selector's time, `wall` the time of day, both in seconds."""
        cookies = our_cookies(head) if self._reads_cookies else {}
        party: _Party | None = None
        if self._sticky is not None:
            arn = self._sticky.read(cookies, wall)
            party = self._by_arn.get(arn) if arn is not None else None
        if party is None:
            index = self.shares.next()
            if index < 0:
                return Choice(None, wall)
            party = self._parties[index]
        choice = Choice(party.group, wall)
        name = None
        if party.cookie is not None:
            name = party.cookie.read(cookies, wall)
        elif party.app is not None:
            choice._app = party.app
            choice._session = party.app.read(cookies, head, wall)
            name = choice._session.target
        target = party.group.by_name.get(name) if name is not None else None
        if target is None:
            target = party.group.balancer.pick(now)
            choice.missed = target is not None and (party.cookie is not None or party.app is not None)
        if target is not None:
            choice.target = target
            if self._sticky is not None:
                choice._cookies = self._sticky.write(party.group.arn, wall)
            if party.cookie is not None:
                choice._cookies += party.cookie.write((target.id, target.port), wall)
        return choice


def _make_sticky(party: _Party, seal: Seal, load_balancer_arn: str, speed: float, *, alone: bool) -> None:
    group = party.group
    stickiness = group.config.stickiness
    if stickiness is None:
        return
    duration = stickiness.duration / speed
    if not stickiness.app:
        party.cookie = TargetCookie(seal, group.arn, duration)
    elif alone:
        party.app = AppCookie(seal, load_balancer_arn, group.arn, stickiness.cookie, duration)
