"""How much a node may hold, and each of its workers: numbers of connections and bytes. Pure."""

from dataclasses import dataclass

CONNECTION_BYTES = 32 * 1024
"""Of a node's memory for each client connection: its buffers and its target's, ours and the kernel's, on average."""
OTHER_DESCRIPTORS = 96
"""Of a worker's, for what is no connection: kept pipes (services.lb.sockets.splice), listeners, the loop's own, files."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a node has: processor cores it may use, bytes of memory, descriptors that one process may open."""

    cores: int
    memory: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """`connections` are client connections, `refusals` those beyond that are only told that they are too many; `buffered`
    is bytes. Where there are more, a connection may be ended that holds some and made no progress for `patience` seconds.
    `descriptors` are those that connections of both sides may take; 0 where there are so few
    that it cannot be told."""

    connections: int
    refusals: int
    buffered: int
    descriptors: int
    patience: float = 5.0


UNLIMITED = Allowance(connections=1 << 30, refusals=1 << 10, buffered=1 << 50, descriptors=1 << 30)
"""For a plane that nobody has told."""


def connections_of(machine: Machine) -> int:
    """As many client connections as a node's memory allows."""
    return machine.memory // CONNECTION_BYTES


def buffered_of(machine: Machine) -> int:
    """A quarter of the memory."""
    return machine.memory // 4


def share(machine: Machine, workers: int, connections: int, buffered: int) -> Allowance:
    """One worker's part of a node's. Each process has descriptors of its own, and no more connections than fit: a request
    takes two, its client's and its target's; a third is for connections to targets that are kept for the next request."""
    descriptors = max(0, machine.descriptors - OTHER_DESCRIPTORS)
    mine = max(1, min(-(-connections // workers), max(descriptors // 3, 16)))
    return Allowance(mine, max(8, mine // 8), buffered // workers, descriptors)
