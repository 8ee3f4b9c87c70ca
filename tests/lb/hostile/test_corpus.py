"""Every request of the corpus through a real node to an origin that records: what nobody may be able to do.

(a) The origin never sees two requests where the balancer answered one. (b) No line reaches it that the balancer did not vouch
for. (c) What it got reads alike to every reader. (d) Every answer is that to the request before it, on this connection and
on others'. And none of it depends on how the bytes arrive.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from services.lb.selector import serving_selector
from tests.lb.hostile.case import Case
from tests.lb.hostile.corpus import REQUESTS
from tests.lb.hostile.play import Answer, Played, at_random, bytewise, play, whole
from tests.lb.hostile.readers import READERS, End, fields
from tests.lb.hostile.recorder import Recorder
from tests.lb.world import World, world_on

Cut = Callable[[Case], list[bytes]]
Stage = Callable[[Case, Cut], Played]

LLHTTP_KNOWS_NOT = {"method-lower", "method-custom", "method-trace-lower", "method-track", "size-method"}
"""Rows with a method that is not in llhttp's list: it refuses them, which is no other framing."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A node with one recording origin, for all rows: a connection that one row spoiled would show in the next."""
    selector = serving_selector(time.monotonic)
    recorder = Recorder()
    stack = AsyncExitStack()

    async def opened() -> World:
        world = await stack.enter_async_context(world_on(selector))
        await world.origin(recorder.serve)
        await world.run()
        return world

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        world = runner.run(opened())
        try:
            yield lambda row, cut: runner.run(play(world, recorder, row, cut(row)))
        finally:
            runner.run(stack.aclose())


@pytest.mark.parametrize("row", REQUESTS, ids=str)
def test_a_request_of_the_corpus(stage: Stage, row: Case) -> None:
    played = stage(row, whole)
    check_answers(row, played)
    check_origin(row, played)


@pytest.mark.parametrize("row", REQUESTS, ids=str)
@pytest.mark.parametrize("cut", [bytewise, at_random])
def test_how_the_bytes_arrive_changes_nothing(stage: Stage, row: Case, cut: Cut) -> None:
    played = stage(row, cut)
    check_answers(row, played)
    check_origin(row, played)


def check_answers(row: Case, played: Played) -> None:
    statuses = [answer.status for answer in played.answers]
    assert statuses == [*row.answers, *([200] if row.stays else [])]
    assert played.closed is not row.stays
    if row.stays:
        assert played.answers[-1].target == b"/last"
    assert played.honest == (Answer(200, b"/honest"),)
    assert played.seen == tuple(
        answer.target for answer in (*played.answers, *played.honest) if answer.target is not None
    )


def check_origin(row: Case, played: Played) -> None:
    whole_ones = [READERS["strict"](raw) for raw in played.origin]
    assert [request.target for reading in whole_ones for request in reading.requests] == list(played.seen)
    for raw, strict in zip(played.origin, whole_ones, strict=True):
        for name, reader in READERS.items():
            if name == "llhttp" and row.name in LLHTTP_KNOWS_NOT:
                continue
            assert reader(raw) == strict, name
        assert strict.end is not End.BROKEN
        if strict.end is End.PARTIAL:
            assert played.answers[-1].status != 200 or row.unfinished
        check_vouched(raw, len(strict.requests))


def check_vouched(raw: bytes, requests: int) -> None:
    """Every head on the connection carries what is the balancer's to say, once, and nothing that is for one hop only."""
    heads = [head for head in raw.split(b"\r\n\r\n") if b"X-Amzn-Trace-Id: " in head]
    assert len(heads) >= requests
    for head in heads:
        found = fields(head[head.rindex(b" HTTP/1.1\r\n") :]) if b" HTTP/1.1\r\n" in head else fields(head)
        values: dict[bytes, list[bytes]] = {}
        for name, value in found:
            values.setdefault(name, []).append(value)
        assert values[b"x-forwarded-proto"] == [b"http"]
        assert values[b"x-forwarded-port"] == [b"80"]
        [forwarded] = values[b"x-forwarded-for"]
        assert forwarded.rpartition(b", ")[2] == b"127.0.0.1"
        [trace] = values[b"x-amzn-trace-id"]
        assert trace.startswith((b"Root=1-", b"Self=1-"))
        assert len(values[b"host"]) == 1
        assert len(values.get(b"content-length", []) + values.get(b"transfer-encoding", [])) <= 1
        one_hop = {b"connection", b"keep-alive", b"te", b"proxy-connection", b"upgrade", b"http2-settings", b"expect"}
        if values.get(b"upgrade") == [b"websocket"]:
            assert values[b"connection"] == [b"Upgrade"]
            one_hop -= {b"upgrade", b"connection"}
        assert not one_hop & values.keys()
