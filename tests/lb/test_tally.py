"""The sums over a node's workers, as those come, count, and go."""

from lab.core.elbv2.report import GroupReport
from services.lb.node.messages import NOTHING, Orders, Status, TargetCounts, orders_from_json, orders_to_json
from services.lb.node.messages import status_from_json as from_json
from services.lb.node.messages import status_to_json as to_json
from services.lb.node.tally import Tally
from tests.lb.nodes import document

KEY = ("arn:g", "i-1", 80, "10.0.0.1", 8000)
OTHER = ("arn:g", "i-2", 80, "10.0.0.2", 8000)


def status(serial: int, count: int, refused: str = "") -> Status:
    return Status(
        serial,
        counters={"RequestCount": count},
        groups={"arn:g": GroupReport("arn:g", {"RequestCount": count}, ((1, count),), 10 * count)},
        active_connections=count,
        targets={
            KEY: TargetCounts(in_flight=1, requests=count, errors=count // 2, bytes_in=count, bytes_out=2 * count)
        },
        refused=refused,
    )


def test_sums() -> None:
    tally = Tally(3)
    tally.heard(0, status(2, 4))
    groups = {"arn:g": GroupReport("arn:g", {"RequestCount": 1, "NewConnectionCount": 2}, ((0, 1), (2, 5)), 7)}
    tally.heard(1, Status(2, counters={"RequestCount": 1, "NewConnectionCount": 7}, groups=groups))
    assert tally.counters() == {"RequestCount": 5, "NewConnectionCount": 7}
    assert tally.group("arn:g") == GroupReport(
        "arn:g", {"RequestCount": 5, "NewConnectionCount": 2}, ((0, 1), (1, 4), (2, 5)), 47
    )
    assert tally.group("arn:other") == GroupReport("arn:other")
    assert tally.active_connections == 4
    assert tally.target(KEY) == TargetCounts(1, 4, 2, 4, 8)
    assert tally.target(OTHER) == TargetCounts()


def test_a_node_is_as_far_as_its_slowest_worker() -> None:
    tally = Tally(2)
    tally.heard(0, Status(5))
    assert tally.serial == 0  # nobody has heard of the other one yet
    tally.heard(1, Status(4))
    assert tally.serial == 4


def test_what_a_dead_worker_has_counted_stays() -> None:
    tally = Tally(2)
    tally.heard(0, status(2, 4))
    tally.heard(1, status(2, 10))
    before = tally.counters(), tally.group("arn:g")
    tally.lost(1, 3)
    assert (tally.counters(), tally.group("arn:g")) == before
    assert tally.target(KEY) == TargetCounts(1, 14, 7, 14, 28)  # what it had in flight is over
    assert tally.active_connections == 4
    assert tally.serial == 2  # its successor will be told serial 3 first: it does not hold the node back
    tally.heard(1, status(3, 1))
    tally.lost(1, 3)
    assert tally.counters() == {"RequestCount": 15}
    assert tally.target(KEY).requests == 15
    assert tally.group("arn:g").counters == {"RequestCount": 15}


def test_targets_that_are_gone_are_forgotten() -> None:
    tally = Tally(1)
    tally.heard(0, status(2, 4))
    tally.lost(0, 2)
    tally.forget([KEY, OTHER], ["arn:g"])
    assert tally.target(KEY).requests == 4
    assert tally.group("arn:g").counters == {"RequestCount": 4}
    tally.forget([OTHER], [])
    assert tally.target(KEY).requests == 0
    assert tally.group("arn:g").counters == {}
    assert tally.counters() == {"RequestCount": 4}


def test_a_refusal_is_told_once() -> None:
    tally = Tally(3)
    for worker in range(2):
        tally.heard(worker, status(1, 0, refused="no"))
    assert tally.refused == "no"


def test_messages_come_as_they_went() -> None:
    one = status(3, 4, refused="no")
    assert from_json(to_json(one)) == one
    config = document(8000)
    orders = Orders(3, config, {}, {80: 4, 443: 5})
    assert orders_from_json(orders_to_json(orders, with_config=True), NOTHING) == orders
    assert orders_from_json(orders_to_json(orders, with_config=False), config) == orders
