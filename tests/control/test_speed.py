"""The speed of lab time is changed while everything runs."""

from lab.control.effects import LAST_RETRY
from lab.core.elbv2.model import LoadBalancer
from lab.core.elbv2.report import NodeReport
from lab.core.errors import Unavailable
from tests.control.lab import Lab


async def test_nodes_hear_of_it_and_nobody_counts_as_silent(lab: Lab) -> None:
    [balancer] = lab.store.all(LoadBalancer)
    ids = [node.node_id for node in balancer.nodes]
    lab.clock.set_speed(500.0)
    await lab.tick(1000.0)  # two wall seconds
    document = lab.world.nodes.document(balancer.arn)
    assert document is not None
    assert document.speed == 500.0
    lab.clock.set_speed(1.0)
    # 1000 lab seconds ago, at a speed at which a node is given up after 5: what counts are the two wall seconds.
    assert len(lab.world.nodes.live(ids, lab.clock.now())) == len(ids)
    await lab.loop.turn()
    [balancer] = lab.store.all(LoadBalancer)
    assert balancer.state == "active"
    lab.clock.advance(3.5)
    assert lab.world.nodes.live(ids, lab.clock.now()) == []


async def test_rates_are_per_wall_second_across_the_change(lab: Lab) -> None:
    [balancer] = lab.store.all(LoadBalancer)
    node = balancer.nodes[0].node_id
    for speed, count in ((1.0, 0), (100.0, 300)):
        report = NodeReport(node, "b", "z", 1, (), {"RequestCount": count})
        lab.clock.advance(1.0)
        lab.clock.set_speed(speed)
        lab.clock.advance(speed)
        lab.loop.hear(report)
    total, _ = lab.world.nodes.rates([node])
    assert total == 300.0 / 2  # a lab second at a speed of 1, and 100 of them at 100


async def test_a_try_that_is_held_back_does_not_wait_for_lab_time(lab: Lab) -> None:
    tries = 0

    async def effect() -> None:
        nonlocal tries
        tries += 1
        raise Unavailable("not now")

    async def tried() -> int:
        lab.loop.effects.start("it", effect)
        await lab.loop.effects.settle()
        return tries

    lab.clock.set_speed(1000.0)
    assert await tried() == 1
    lab.clock.set_speed(1.0)
    lab.clock.advance(LAST_RETRY)  # by the speed it failed at it would be due after 500
    assert await tried() == 2
