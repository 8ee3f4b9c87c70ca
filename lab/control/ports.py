"""The ports: what the control plane needs from the world outside. `lab.adapters` implements them, structurally."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Protocol

from lab.core.buckets import StoredObject
from lab.core.compute import Machine, MachineSpec, MachineStats, Network, Resolver
from lab.core.route53.probe import Outcome, Probe
from lab.core.vpc.documents import Interface
from lab.core.vpc.routers import Router
from lab.core.vpc.spares import Spare


class Clock(Protocol):
    """Lab time. Wall time is for sockets and is read nowhere in the control plane."""

    @property
    def speed(self) -> float:
        """Lab seconds per wall second."""

    def now(self) -> float:
        """Lab time: seconds since the epoch, at `speed` times the pace of the wall clock. Never goes back."""

    def wall_between(self, since: float, until: float) -> float:
        """Wall seconds between two moments of lab time, whatever speeds it had meanwhile."""

    def set_speed(self, speed: float) -> None:
        """Go on at another speed, also after a restart. Raises Refused for one that lab time cannot have, Unavailable when it
        cannot be kept; then the speed stays."""


class Compute(Protocol):
    """Makes and unmakes machines. Every call is idempotent and may raise `Unavailable` (try later) or `Refused` (final)."""

    @property
    def filters(self) -> bool:
        """Whether packets go only where routes, security groups and network ACLs let them."""

    async def ensure_network(self, network: Network) -> None:
        """Make the VPC's network unless it is there."""

    async def delete_network(self, vpc_id: str) -> None:
        """Remove the VPC's network; no machine may be on it. Does nothing when it is gone already."""

    async def set_router(self, router: Router) -> None:
        """Have the VPC's router, and put its document in force. The network must exist. Does nothing where packets are not
        filtered."""

    async def routers(self) -> frozenset[str]:
        """The VPCs whose routers run."""

    async def keep_resolvers(self, wanted: frozenset[Resolver]) -> None:
        """Have these resolvers run, and no others. Those whose VPC has no network yet are passed over. Does nothing where
        packets are not filtered."""

    async def resolvers(self) -> frozenset[Resolver]:
        """Those that run."""

    async def keep_spares(self, wanted: frozenset[Spare]) -> None:
        """Have network interfaces ready at these addresses, and no others: a launch at one of them costs less. Those whose VPC
        has no network yet are passed over. Does nothing where packets are not filtered."""

    async def launch(self, spec: MachineSpec, interface: Interface | None = None) -> Machine:
        """Make the machine run: create and start it; start it again (same data, same ports) if it is there but stopped;
        do nothing if it runs or is paused. Its network must exist. Where packets are filtered, the interface's rules are in
        force before the machine's first instruction; None lets everything pass. Raises `NoCapacity` when its zone is
        failed."""

    async def set_interface(self, interface: Interface) -> None:
        """Put an interface's document in force, in place of the one before. Connections that are tracked live on. Does
        nothing where packets are not filtered. Raises `Refused` when its machine is not there."""

    async def probe(self, machine_id: str, address: str, port: int) -> str:
        """Try a TCP connection out of a machine's network: "reached", "refused" (nobody listens, but the packets came and
        went), "unreachable", or "lost". Raises `Refused` where packets are not filtered, or no such machine runs."""

    async def stop(self, machine_id: str, grace: float) -> None:
        """Ask the machine to stop (SIGTERM), kill it after `grace` wall seconds. It stays, stopped: `launch` starts it again.
        A paused one hears nothing and is killed at once. Does nothing when no such machine runs."""

    async def pause(self, machine_id: str) -> None:
        """Freeze the machine with all that is in its memory. Raises `Refused` when no such machine runs or is paused."""

    async def unpause(self, machine_id: str) -> None:
        """Let a paused machine go on where it was. Raises `Refused` when no such machine runs or is paused."""

    async def terminate(self, machine_id: str, grace: float) -> None:
        """`stop` it and remove it with all it kept."""

    async def kill(self, machine_id: str) -> None:
        """Crash it: SIGKILL, at once. It stays, stopped. Raises `Refused` when no such machine runs or is paused."""

    async def machines(self) -> list[Machine]:
        """Every machine of this lab, in whatever state; others' machines are never listed."""

    async def stats(self, machine_ids: Iterable[str]) -> Mapping[str, MachineStats]:
        """What each of the machines that runs or is paused has used; those that do not are left out."""

    async def logs(self, machine_id: str, tail: int) -> str:
        """The last `tail` lines the machine wrote to its standard output and error."""

    async def fail_zone(self, zone: str) -> None:
        """Fail an availability zone: from now on every launch in it raises `NoCapacity`, its machines are killed at once and
        stay, stopped. It stays failed when the control plane is started anew."""

    async def recover_zone(self, zone: str) -> None:
        """Let the zone take machines again; those that were killed are not started. Does nothing for one that is well."""

    async def failed_zones(self) -> frozenset[str]:
        """The zones that are failed."""

    def changes(self) -> AsyncIterator[str]:
        """The ids of machines that started, died, were paused or unpaused, as it happens. Ends never; a broken stream is
        reopened inside, and after each reopening an empty string is given, meaning: something may have been missed, look at
        them all."""


class Prober(Protocol):
    """Tries the endpoints of Route 53's health checks."""

    async def probe(self, probe: Probe) -> Outcome:
        """One try, which ends within AWS's limits of wall time. Never raises: what goes wrong is the outcome."""


class Buckets(Protocol):
    """Objects in buckets, as S3 has them. Calls block for as long as a small file takes, and may come from several threads.
    A bucket that is not there has no keys; `put` into one raises NoSuchBucket."""

    def buckets(self) -> list[str]:
        """In the order of their names."""

    def created(self, bucket: str) -> float:
        """When the bucket was made, in wall time."""

    def create(self, bucket: str) -> None:
        """Does nothing when it is there. Raises InvalidBucketName."""

    def remove(self, bucket: str) -> None:
        """Raises NoSuchBucket or BucketNotEmpty."""

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """In no particular order."""

    def find(self, bucket: str, key: str) -> StoredObject | None:
        """What is known of an object without its content."""

    def get(self, bucket: str, key: str) -> bytes | None: ...

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Whole or not at all. Raises NoSuchBucket, or InvalidArgument for a key the lab cannot keep."""

    def delete(self, bucket: str, key: str) -> None:
        """Does nothing when there is no such object."""

    def policy(self, bucket: str) -> str | None:
        """The bucket policy as it was put; nothing enforces it."""

    def put_policy(self, bucket: str, policy: str | None) -> None:
        """None removes it. Raises NoSuchBucket."""
