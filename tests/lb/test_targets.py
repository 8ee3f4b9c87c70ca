"""Targets come, go, drain, fall ill and recover."""

import asyncio
import os
from collections import Counter

from lab.core.elbv2.config import HealthCheck, TargetGroup
from lab.core.elbv2.rules import Forward
from services.lb.routing.table import compile_table
from tests.eventually import eventually
from tests.lb.world import GROUP, Message, World, in_world, ok, read_message

TRAFFIC_PORT = HealthCheck(interval=0.05, timeout=0.3, healthy_threshold=2, unhealthy_threshold=2, path="/health")
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def states(world: World) -> list[tuple[str, str]]:
    return [(target.state, target.reason) for target in world.node.report().targets]


@in_world
async def test_round_robin(world: World) -> None:
    origins = [await world.origin() for _ in range(3)]
    await world.run()
    client = await world.client()
    for _ in range(30):
        await client.ask()
    assert [len(origin.requests) for origin in origins] == [10, 10, 10]


@in_world
async def test_weights(world: World) -> None:
    origins = [await world.origin() for _ in range(2)]
    config = world.config(world.target(origins[0]), action=Forward(((GROUP, 3), ("arn:other", 1))))
    other = TargetGroup("arn:other", "other", "HTTP", TRAFFIC_PORT, (world.target(origins[1]),))
    table, gone = compile_table(
        world.config(action=config.listeners[0].default_action, target_groups=(*config.target_groups, other)),
        None,
        "a",
        0.0,
        os.urandom,
    )
    route = table.listeners[80].only
    assert route is not None
    assert route.forward is not None
    forward = route.forward
    choices = [forward.choose(b"GET / HTTP/1.1", 0.0, 0.0) for _ in range(40)]
    assert Counter(choice.target.group.arn for choice in choices if choice.target) == {
        GROUP: 30,
        "arn:other": 10,
    }
    assert gone == []


@in_world
async def test_without_cross_zone_balancing_only_the_own_zone_is_used(world: World) -> None:
    near, far = await world.origin(), await world.origin()
    config = world.config(world.target(near), world.target(far, zone="b"))
    group = config.target_groups[0]
    for cross_zone, expected in [(True, 2), (False, 1)]:
        changed = TargetGroup(
            group.arn, group.name, group.protocol, group.health_check, group.targets, cross_zone=cross_zone
        )
        table, _ = compile_table(world.config(target_groups=(changed,)), None, "a", 0.0, os.urandom)
        assert len(list(table.targets())) == expected


@in_world
async def test_a_draining_target_finishes_what_it_has_and_gets_no_more(world: World) -> None:
    leaving, staying = await world.origin(), await world.origin()
    await world.run()
    client = await world.client()
    for _ in range(4):
        await client.ask()
    leaving.held = asyncio.Event()
    slow = await world.client()
    while world.targets[0].in_flight == 0:
        if leaving.requests and len(staying.requests) >= len(leaving.requests):
            slow.send(GET)
            await eventually(lambda: world.targets[0].in_flight == 1)
        else:
            await client.ask()
    spare = len(leaving.requests)
    await world.run(world.target(leaving, draining=True), world.target(staying))
    assert states(world)[0] == ("draining", "Target.DeregistrationInProgress")
    for _ in range(6):
        assert (await client.ask()).status == 200
    assert len(leaving.requests) == spare
    leaving.held.set()
    assert (await slow.answer()).body == b"hello"
    await eventually(lambda: leaving.open == 0)
    assert world.targets[0].in_flight == 0


@in_world
async def test_a_target_that_vanishes_is_cut(world: World) -> None:
    origin = await world.origin()
    await world.run()
    busy, idle = await world.client(), await world.client()
    await asyncio.gather(busy.ask(), idle.ask())
    origin.held = asyncio.Event()
    busy.send(GET)
    await eventually(lambda: world.targets[0].in_flight == 1)
    gone = world.targets[0]
    await world.run(healthy=False, target_groups=(TargetGroup(GROUP, "group", "HTTP", TRAFFIC_PORT, ()),))
    assert (await busy.answer()).status == 502
    assert (await idle.ask()).status == 503
    assert (gone.connections, gone.pool, gone.in_flight) == (set(), [], 0)
    origin.held.set()
    await eventually(lambda: origin.open == 0)


@in_world
async def test_health_is_kept_when_a_configuration_is_replaced(world: World) -> None:
    origin = await world.origin()
    await world.run()
    target = world.targets[0]
    newcomer = await world.origin()
    await world.run(world.target(newcomer), world.target(origin), healthy=False)
    assert world.targets[1] is target
    assert target.health.healthy
    assert not world.targets[0].health.healthy
    await world.run(world.target(origin, host="127.0.0.2"), healthy=False)
    assert not world.targets[0].health.healthy  # another address, another target


@in_world
async def test_a_target_falls_ill_and_recovers(world: World) -> None:
    well, ill = await world.origin(), await world.origin()
    await world.run(health_check=TRAFFIC_PORT)
    assert states(world) == [("healthy", ""), ("healthy", "")]
    told: list[int] = []
    world.node.changed = lambda: told.append(1)
    ill.answer = ok(status=b"503 Service Unavailable")
    await eventually(lambda: states(world)[1] == ("unhealthy", "Target.ResponseCodeMismatch"))
    assert world.node.report().targets[1].description == "Health checks failed with these codes: [503]"
    assert told
    before = Counter(request.first for request in ill.requests)
    client = await world.client()
    for _ in range(6):
        assert (await client.ask("/work")).status == 200
    assert Counter(request.first for request in ill.requests)[b"GET /work HTTP/1.1"] == before[b"GET /work HTTP/1.1"]
    ill.answer = ok()
    await eventually(lambda: states(world)[1] == ("healthy", ""))
    probe = next(request for request in ill.requests if request.first == b"GET /health HTTP/1.1")
    assert probe.field("user-agent") == [b"ELB-HealthChecker/2.0"]
    assert probe.field("host") == [b"127.0.0.1:%d" % ill.port]
    assert probe.field("connection") == [b"close"]
    assert len(well.requests) > 0


@in_world
async def test_a_silent_and_an_absent_target_say_different_things(world: World) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(b"hello\r\n\r\n")

    await world.origin(silent)
    await world.origin(rude)
    await world.run(healthy=False, health_check=TRAFFIC_PORT)
    assert states(world) == [("initial", "Elb.InitialHealthChecking")] * 2
    await eventually(
        lambda: states(world) == [("unhealthy", "Target.Timeout"), ("unhealthy", "Target.FailedHealthChecks")]
    )


@in_world
async def test_with_no_healthy_target_all_are_used(world: World) -> None:
    origins = [await world.origin() for _ in range(2)]
    for origin in origins:
        origin.answer = ok(status=b"500 Internal Server Error")
    await world.run(healthy=False, health_check=TRAFFIC_PORT)
    await eventually(lambda: [state for state, _ in states(world)] == ["unhealthy", "unhealthy"])
    client = await world.client()
    for _ in range(4):
        assert (await client.ask("/work")).status == 500
    assert [sum(is_work(request) for request in origin.requests) for origin in origins] == [2, 2]
    assert world.counters["HTTPCode_Target_5XX_Count"] == 4
    assert sum(target.errors for target in world.targets) == 4


def is_work(request: Message) -> bool:
    return request.first == b"GET /work HTTP/1.1"


@in_world
async def test_probes_go_to_unhealthy_targets_and_not_to_draining_ones(world: World) -> None:
    origin = await world.origin()
    origin.answer = ok(status=b"500 No")
    await world.run(healthy=False, health_check=TRAFFIC_PORT)
    await eventually(lambda: len(origin.requests) > 4)
    await world.run(world.target(origin, draining=True), healthy=False, health_check=TRAFFIC_PORT)
    await eventually(lambda: origin.open == 0)
    seen = len(origin.requests)
    await asyncio.sleep(0.2)
    assert len(origin.requests) == seen


@in_world
async def test_speed_shortens_the_interval(world: World) -> None:
    origin = await world.origin()
    await world.run(health_check=HealthCheck(interval=30), speed=1000.0)
    await eventually(lambda: len(origin.requests) > 5)
