"""A simulation at work: the lab under virtual time, the fleet under load, and how time goes on.

The control plane's loop turns as often as it would have something to do: at each moment until a turn changes nothing; when a
launch is done; every `FINE` seconds while something is on its way that has no such moment (a drain, a hook, a desired capacity
that is not reached); else at each whole minute, when CloudWatch measures and alarms are evaluated (each ten seconds where an
alarm's period is shorter than a minute). What happens by itself in between is seen at the next look, as in life, where looks
are half a second of the wall clock apart.

The load balancers' nodes do their part meanwhile, as in life: health checks, and with them the routing, go on every `FINE`
seconds while a target is not healthy yet or in slow start.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from lab.adapters.clock import VirtualClock
from lab.adapters.metrics import MetricStore
from lab.adapters.simulated import SimulatedCompute
from lab.adapters.store import MemoryStore
from lab.core.autoscaling.model import IN_SERVICE, PENDING, AutoScalingGroup, Member
from lab.core.autoscaling.policy import Decision
from lab.core.cloudwatch.model import AlarmHistory, CompositeAlarm, MetricAlarm
from lab.core.ec2.catalogue import INSTANCE_TYPES
from lab.core.ec2.model import Instance
from lab.core.elbv2.config import LoadBalancerConfig
from lab.core.elbv2.model import LoadBalancer, Published, Registration
from lab.core.store import Store
from lab.rows import ROWS
from lab.simulate.calibration import Calibration
from lab.simulate.fleet import Fleet, Host
from lab.simulate.health import Targets
from lab.simulate.nodes import Nodes
from lab.simulate.routing import Router, Worker
from lab.simulate.virtual import VirtualLab

BEGIN = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
"""Lab time of the trace's second 0: midnight of a Monday."""
EARLY = 3600.0
"""How long before that the stack is begun: the trace meets a lab that has been idle for a while."""
FINE = 5.0
MINUTE = 60.0
TURNS_AT_ONCE = 20

RECORDS = (MetricAlarm, CompositeAlarm, AlarmHistory, Decision, Published)
"""Rows whose change alone gives another turn nothing to do."""
ACTED_ON = tuple(kind for kind in ROWS if kind not in RECORDS)
STEADY = (IN_SERVICE, "Standby", "Warmed:Stopped", "Warmed:Running", "Warmed:Hibernated")
"""Lifecycle states that last."""


class World:
    """The lab with its fleet. `advance` lets time pass, `settle` lets the control plane do what is due now."""

    def __init__(self, calibration: Calibration) -> None:
        self._clock = VirtualClock(BEGIN - EARLY)
        self._calibration = calibration
        self.fleet = Fleet(calibration)
        self.targets = Targets(self.fleet.hosts.get, overload=calibration.health_checks_wait)
        self._compute = SimulatedCompute(self._clock.now, launch_seconds=calibration.launch_seconds)
        self.store = MemoryStore()
        nodes = Nodes(self.store, self.fleet, self.targets)
        self.lab = VirtualLab(self._clock, self._compute, self.store, MetricStore(None), nodes.says)
        self._router = Router(self.fleet, self.targets, self._group_of)
        self._documents: tuple[LoadBalancerConfig, ...] = ()
        self._routed: object = None
        self._rows = -1
        self._moving = False

    def now(self) -> float:
        return self._clock.now()

    async def settle(self) -> None:
        """Turns, until one changes nothing that another would act on."""
        for _ in range(TURNS_AT_ONCE):
            before = (self.store.revision(*ACTED_ON), self.targets.version)
            await self.lab.turn()
            self._follow()
            if (self.store.revision(*ACTED_ON), self.targets.version) == before:
                break

    def advance(self, until: float, requests: Callable[[float, float], float]) -> None:
        """Let time pass; `requests(a, b)` is how many arrive from a to b, in lab time."""
        begun = now = self.now()
        while now < until:
            # Nodes act on their own: checks and routing do not wait for the control plane's next look.
            follows = self._moving or not self.targets.settled
            after = min(until, now // FINE * FINE + FINE) if follows else until
            self.fleet.advance(now, after, requests)
            now = after
            if follows:
                self._serve(now)
        for host in self.fleet.hosts.values():
            self._compute.set_cpu(host.instance_id, self.fleet.utilisation(host, until - begun))
        self._clock.advance(until - begun)

    def next_look(self) -> float:
        """When the control plane has something to do again."""
        now = self.now()
        every = 10.0 if self.store.derived(_quick, MetricAlarm) else MINUTE
        if not self.store.derived(_waits_for_launches_only, *ACTED_ON):
            every = FINE
        start = self._compute.next_start()
        edge = now // every * every + every
        return edge if start is None else min(edge, start)

    def quiet(self) -> bool:
        """Nothing is on its way."""
        at_rest = self.store.derived(_waits_for_launches_only, *ACTED_ON) and self._compute.next_start() is None
        return at_rest and not self._moving and self.targets.settled

    def _follow(self) -> None:
        """Bring the fleet up to the rows and the documents in force."""
        now = self.now()
        rows = self.store.revision(*ACTED_ON)
        if rows != self._rows:
            self._rows = rows
            self._hosts()
        found = (self.lab.world.nodes.document(row.arn) for row in self.store.all(LoadBalancer))
        documents = tuple(document for document in found if document is not None)
        if any(a is not b for a, b in zip(documents, self._documents, strict=False)) or len(documents) != len(
            self._documents
        ):
            self._documents = documents
            self.targets.use(documents, now)
        self._serve(now)

    def _serve(self, now: float) -> None:
        """What the nodes do by themselves: health checks, and requests to who may have them."""
        self.targets.follow(now)
        situation = (self._rows, self.targets.version)
        if situation != self._routed or self._moving:
            self._routed = situation
            self._route(now)

    def _route(self, now: float) -> None:
        zones = {row.arn: [node.availability_zone for node in row.nodes] for row in self.store.all(LoadBalancer)}
        workers = [
            Worker(group.name, [row.instance_id for row in _in_service(self.store, group.name)])
            for group in self.store.all(AutoScalingGroup)
            if not group.target_group_arns
        ]
        grows = self._router.share_out(zones, self._documents, workers, now)
        boots = any(host.answers_at > now for host in self.fleet.hosts.values())
        self._moving = grows or boots

    def _hosts(self) -> None:
        """A host for every instance that runs."""
        hosts = self.fleet.hosts
        running = {row.instance_id: row for row in self.store.where(Instance, "state", "running")}
        for name in [name for name in hosts if name not in running]:
            del hosts[name]
        for name, row in running.items():
            if name not in hosts:
                member = self.store.get(Member, name)
                answers_at = row.since + self._calibration.boot_seconds
                vcpus = INSTANCE_TYPES[row.instance_type].vcpus
                hosts[name] = Host(name, member.group if member else "", vcpus, answers_at)

    def _group_of(self, target_group: str) -> str:
        return self.store.derived(_groups_by_target_group, AutoScalingGroup).get(target_group, "")


def _in_service(store: Store, group: str) -> list[Member]:
    return [member for member in store.where(Member, "group", group) if member.state == IN_SERVICE]


def _groups_by_target_group(store: Store) -> dict[str, str]:
    return {arn: group.name for group in store.all(AutoScalingGroup) for arn in group.target_group_arns}


def _quick(store: Store) -> bool:
    return any(alarm.period < MINUTE for alarm in store.all(MetricAlarm))


def _waits_for_launches_only(store: Store) -> bool:
    """Nothing is on its way but instances that are being launched."""
    if any(store.where(Instance, "state", state) for state in ("shutting-down", "stopping")):
        return False
    if len(store.where(Registration, "deregistered_at", None)) < len(store.all(Registration)):
        return False
    members = store.all(Member)
    launching = {row.instance_id for row in store.where(Instance, "state", "pending")}
    if any(member.state not in STEADY and member.instance_id not in launching for member in members):
        return False
    alive = Counter(member.group for member in members if member.state in (IN_SERVICE, PENDING))
    return all(alive[group.name] == group.desired_capacity for group in store.all(AutoScalingGroup))
