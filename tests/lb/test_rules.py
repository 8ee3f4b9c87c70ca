"""Rules, actions, transforms and sessions through a real node: what clients get and what targets see."""

import re
from typing import Any

from lab.core.elbv2.config import HealthCheck, Stickiness, TargetGroup
from lab.core.elbv2.rules import (
    Action,
    Condition,
    Forward,
    HostHeader,
    HttpHeader,
    PathPattern,
    QueryString,
    Redirect,
    RequestMethod,
    Rewrite,
    Rule,
    SourceIp,
)
from tests.lb.world import GROUP, Message, Peer, World, in_world, ok

OTHER = "arn:other"
KEY = "5a" * 32
TO_OTHER = Forward(((OTHER, 1),))


def rule(priority: int, *conditions: Condition, action: Action = TO_OTHER, **transforms: Rewrite) -> Rule:
    return Rule(f"arn:rule/{priority}", priority, conditions, action, **transforms)


async def two_groups(world: World, *rules: Rule, **changes: Any) -> None:
    """The first origin is of the default group, the second of the other one."""
    first, second = [await world.origin() for _ in range(2)]
    groups = [
        TargetGroup(arn, name, "HTTP", HealthCheck(interval=0.2), (world.target(origin),))
        for arn, name, origin in ((GROUP, "group", first), (OTHER, "other", second))
    ]
    await world.run(target_groups=tuple(groups), rules=rules, **changes)


def seen(world: World, index: int) -> list[Message]:
    return [one for one in world.origins[index].requests if one.field("user-agent") != [b"ELB-HealthChecker/2.0"]]


async def send(client: Peer, first: bytes, *lines: bytes) -> Message:
    client.send(b"\r\n".join([first + b" HTTP/1.1", *(lines or (b"Host: a",)), b"", b""]))
    return await client.answer(no_body=first.startswith(b"HEAD"))


@in_world
async def test_every_kind_of_condition_routes(world: World) -> None:
    await two_groups(
        world,
        rule(1, HostHeader(("*.shop.example",))),
        rule(2, PathPattern(("/img/*",)), RequestMethod(("GET", "HEAD"))),
        rule(3, HttpHeader("X-Forwarded-For", ("203.0.113.*",))),
        rule(4, QueryString((("v", "2"),)), SourceIp(("127.0.0.0/8",))),
        rule(5, PathPattern(("^/re/[0-9]+$",), regex=True), SourceIp(("10.0.0.0/8",))),
    )
    client = await world.client()
    asked: list[tuple[int, list[bytes]]] = [
        (1, [b"GET /1", b"Host: a.SHOP.example:8080"]),
        (0, [b"GET /2", b"Host: shop.example"]),
        (1, [b"GET /img/3", b"Host: a"]),
        (0, [b"POST /img/4", b"Host: a", b"Content-Length: 0"]),
        (1, [b"GET /5", b"Host: a", b"X-Forwarded-For: 203.0.113.9"]),
        (0, [b"GET /6", b"Host: a", b"X-Forwarded-For: 198.51.100.9"]),
        (1, [b"GET /7?V=2", b"Host: a"]),
        (0, [b"GET /re/8", b"Host: a"]),
        (1, [b"GET /pub/%2e%2e/img/%39", b"Host: a"]),
    ]
    for _, (first, *lines) in asked:
        assert (await send(client, first, *lines)).status == 200
    for index in (0, 1):
        expected = [lines[0] + b" HTTP/1.1" for which, lines in asked if which == index]
        assert [request.first for request in seen(world, index)] == expected
    assert world.counters["RuleEvaluations"] == 1 + 5 + 2 + 5 + 3 + 5 + 4 + 5 + 2


@in_world
async def test_redirects(world: World) -> None:
    await world.run(
        rules=(rule(1, PathPattern(("/old/*",)), action=Redirect(302, path="/new/#{path}")),),
        action=Redirect(301, protocol="HTTPS", port="443"),
    )
    client = await world.client()
    moved = await send(client, b"GET /a/b?c=d", b"Host: Example.com:81")
    assert moved.head.startswith(b"HTTP/1.1 301 Moved Permanently\r\n")
    assert moved.field("location") == [b"https://example.com:443/a/b?c=d"]
    assert b"<h1>301 Moved Permanently</h1>" in moved.body
    found = await send(client, b"HEAD /old/x")
    assert (found.status, found.field("location")) == (302, [b"http://a:80/new/old/x"])
    assert int(found.field("content-length")[0]) > 0
    too_long = await send(client, b"GET /" + b"x" * 8192)
    assert (too_long.status, too_long.field("location")) == (507, [])
    assert world.counters["HTTP_Redirect_Count"] == 2
    assert world.counters["HTTP_Redirect_Url_Limit_Exceeded_Count"] == 1


@in_world
async def test_transforms_change_what_the_target_sees(world: World) -> None:
    await two_groups(
        world,
        rule(
            1,
            PathPattern(("/dp/*",)),
            host_rewrite=Rewrite("^www-(.+)$", "internal.$1"),
            url_rewrite=Rewrite("^/dp/([A-Z0-9]+)/?$", "/product.php?id=$1"),
        ),
        rule(2, PathPattern(("/bad*",)), url_rewrite=Rewrite("^/bad", "nowhere")),
    )
    client = await world.client()
    assert (await send(client, b"GET /dp/B09", b"X: 1", b"Host: www-example.com", b"Y: 2")).status == 200
    assert (await send(client, b"GET /dp/b09", b"Host: example.com")).status == 200
    assert (await send(client, b"GET /bad")).status == 500
    assert (await send(client, b"GET http://www-b.com/dp/C1", b"Host: other")).status == 200
    rewritten, same, absolute = seen(world, 1)
    assert rewritten.first == b"GET /product.php?id=B09 HTTP/1.1"
    assert rewritten.field("host") == [b"internal.example.com"]
    assert (rewritten.field("x"), rewritten.field("y")) == ([b"1"], [b"2"])
    assert (same.first, same.field("host")) == (b"GET /dp/b09 HTTP/1.1", [b"example.com"])
    assert (absolute.first, absolute.field("host")) == (b"GET /product.php?id=C1 HTTP/1.1", [b"internal.b.com"])
    assert world.counters["HTTPCode_ELB_500_Count"] == 1


@in_world
async def test_an_old_client_without_a_host_is_routed_too(world: World) -> None:
    rewrite = Rewrite(r"^lb\.", "inner.")
    await two_groups(world, rule(1, PathPattern(("/x",)), HttpHeader("A", ("b",)), host_rewrite=rewrite))
    answer = await world.ask(b"GET /x HTTP/1.0\r\nA: b\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    [request] = seen(world, 1)
    assert request.field("host") == [b"inner.example"]


def cookies(answer: Message) -> bytes:
    """A Cookie line with what the answer sets."""
    pairs = [re.match(rb"[^;]+", value) for value in answer.field("set-cookie")]
    return b"Cookie: " + b"; ".join(pair[0] for pair in pairs if pair)


@in_world
async def test_sessions(world: World) -> None:
    for name in (b"one", b"two", b"three"):
        (await world.origin()).answer = ok(name, b"Set-Cookie: mine=1\r\n")
    await world.run(stickiness=Stickiness(60.0), cookie_key=KEY)
    client = await world.client()
    first = await send(client, b"GET /")
    assert [value.partition(b"=")[0] for value in first.field("set-cookie")] == [b"mine", b"AWSALB", b"AWSALBCORS"]
    line = cookies(first)
    for _ in range(5):
        answer = await send(client, b"GET /", b"Host: a", line)
        assert answer.body == first.body
        assert cookies(answer) != line
        line = cookies(answer)
    assert world.counters["NonStickyRequestCount"] == 1
    bodies = {(await send(client, b"GET /")).body for _ in range(3)}
    assert bodies == {b"one", b"two", b"three"}
    assert world.counters["NonStickyRequestCount"] == 4
    home = next(index for index, name in enumerate((b"one", b"two", b"three")) if name == first.body)
    forwarded = [request.field("cookie") for request in seen(world, home)]
    assert sum(b"AWSALB=" in value for values in forwarded for value in values) == 5  # targets see the cookies, too


@in_world
async def test_sessions_of_an_application(world: World) -> None:
    for name in (b"one", b"two"):
        (await world.origin()).answer = ok(name)
    await world.run(stickiness=Stickiness(60.0, app=True, cookie="SID"), cookie_key=KEY)
    client = await world.client()
    assert b"AWSALBAPP-0=_remove_" in cookies(await send(client, b"GET /"))
    for origin in world.origins:
        origin.answer = origin.answer.replace(b"\r\n\r\n", b"\r\nSet-Cookie: SID=1; Path=/\r\n\r\n")
    first = await send(client, b"GET /")
    line = cookies(first)
    for _ in range(4):
        answer = await send(client, b"GET /", b"Host: a", line)
        assert answer.body == first.body
        line = cookies(answer)


@in_world
async def test_sessions_with_a_group(world: World) -> None:
    sticky = Forward(((GROUP, 1), (OTHER, 1)), 60.0)
    await two_groups(world, action=sticky, cookie_key=KEY)
    client = await world.client()
    line = cookies(await send(client, b"GET /"))
    assert line.startswith(b"Cookie: AWSALBTG=")
    for _ in range(5):
        await send(client, b"GET /", b"Host: a", line)
    assert sorted(len(seen(world, index)) for index in (0, 1)) == [0, 6]


@in_world
async def test_a_target_that_errs_gets_less(world: World) -> None:
    """Detection and mitigation from answers to weights: five lab seconds are 50 ms here."""
    for _ in range(3):
        await world.origin()
    world.origins[0].answer = ok(status=b"500 Internal Server Error")
    await world.run(algorithm="weighted_random", anomaly_mitigation=True, speed=100.0)
    client = await world.client()

    def sick() -> list[str]:
        return [target.id for target in world.node.report().targets if target.anomalous and target.mitigated]

    for _ in range(10_000):
        await client.ask()
        if sick():
            break
    assert sick() == [f"i-{world.origins[0].port}"]
    assert {target.state for target in world.node.report().targets} == {"healthy"}


@in_world
async def test_no_targets_in_a_sticky_group_is_503_without_a_cookie(world: World) -> None:
    await two_groups(world, rule(1, PathPattern(("/none",)), action=Forward(((OTHER, 0),), 60.0)), cookie_key=KEY)
    client = await world.client()
    answer = await send(client, b"GET /none")
    assert (answer.status, answer.field("set-cookie")) == (503, [])
