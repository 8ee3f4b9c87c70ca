"""What a supervisor and a worker tell each other, as values, and as JSON for the way between processes.

Both always tell the whole state, never a change of it: whatever was lost with a process or overtaken on the way does not
matter. Only the document, which is large, is left out where the worker has it.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

from lab.core.elbv2 import config as lb_config
from lab.core.elbv2.config import LoadBalancerConfig
from lab.core.elbv2.health import State, TargetHealth
from lab.core.elbv2.report import GroupReport, group_from_json, to_json
from services.lb.targets.target import TargetKey

NOTHING = LoadBalancerConfig(
    generation=0,
    name="",
    arn="",
    dns_name="",
    speed=1.0,
    listeners=(),
    target_groups=(),
)
"""In force until a document has come: no listeners."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What the supervisor wants. `serial` counts the documents it has put in force: generations may be counted anew.
    `listeners` maps listener ports to the number of the listening socket, a new number for each that is opened."""

    serial: int
    config: LoadBalancerConfig
    health: Mapping[TargetKey, TargetHealth]
    listeners: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class TargetCounts:
    """`in_flight`, `anomalous` and `mitigated` are now, the counts since the worker's start. Bytes in are those it was sent."""

    in_flight: int = 0
    requests: int = 0
    errors: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    anomalous: bool = False
    mitigated: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """What a worker has done. `serial` is of the orders in force; `refused` says why those that came after are not.
    Counters are as in a `NodeReport`, since the worker's start; targets of which there is nothing to count may be absent."""

    serial: int
    refused: str = ""
    counters: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, GroupReport] = field(default_factory=dict)
    active_connections: int = 0
    targets: Mapping[TargetKey, TargetCounts] = field(default_factory=dict)


def orders_to_json(orders: Orders, *, with_config: bool) -> dict[str, Any]:
    return {
        "serial": orders.serial,
        "config": lb_config.to_json(orders.config) if with_config else None,
        "health": [
            [list(key), health.state.value, health.reason, health.description] for key, health in orders.health.items()
        ],
        "listeners": list(orders.listeners.items()),
    }


def orders_from_json(body: Mapping[str, Any], known: LoadBalancerConfig) -> Orders:
    """`known` is the document that was told last. Raises ValueError and its like when `body` is not what `orders_to_json`
    gives."""
    return Orders(
        serial=body["serial"],
        config=known if body["config"] is None else lb_config.from_json(body["config"]),
        health={_key(key): TargetHealth(State(state), *texts) for key, state, *texts in body["health"]},
        listeners=dict(body["listeners"]),
    )


def status_to_json(status: Status) -> dict[str, Any]:
    return {
        "serial": status.serial,
        "refused": status.refused,
        "counters": dict(status.counters),
        "groups": [to_json(group) for group in status.groups.values()],
        "active_connections": status.active_connections,
        "targets": [[list(key), *astuple(one)] for key, one in status.targets.items()],
    }


def status_from_json(body: Mapping[str, Any]) -> Status:
    """The inverse of `status_to_json`."""
    return Status(
        serial=body["serial"],
        refused=body["refused"],
        counters=body["counters"],
        groups={group.target_group_arn: group for group in map(group_from_json, body["groups"])},
        active_connections=body["active_connections"],
        targets={_key(key): TargetCounts(*counts) for key, *counts in body["targets"]},
    )


def _key(parts: list[Any]) -> TargetKey:
    arn, identity, port, host, dial_port = parts
    return arn, identity, port, host, dial_port
