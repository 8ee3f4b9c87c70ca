"""The invariants of `fuzz` against messages that hypothesis makes of the corpus' own lines, short and the same each time; and
sequences of them, cut anywhere, through a real node. `make fuzz` looks longer and further."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.invariants import INVARIANTS
from fuzz.seeds import WORDS, seeds
from tests.eventually import eventually
from tests.lb.hostile.check import check_vouched
from tests.lb.hostile.play import HONEST, Connection, answers_in, connected, cut
from tests.lb.hostile.readers import READERS, End
from tests.lb.hostile.recorder import Recorder, tag
from tests.lb.hostile.stage import staged
from tests.lb.world import World

EXAMPLES = 300
SEQUENCES = 150

words = st.one_of(st.sampled_from(WORDS), st.sampled_from(WORDS), st.binary(min_size=1, max_size=8))


def mutated(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """With pieces of it replaced: (place, length, by what), all counted from where there is something."""
    for place, length, word in edits:
        at = place % (len(data) + 1)
        data = data[:at] + word + data[at + length :]
    return data


edits = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 8), words), max_size=3)


@pytest.mark.parametrize("name", INVARIANTS)
def test_every_seed(name: str) -> None:
    for seed in seeds()[name]:
        INVARIANTS[name](seed)


@pytest.mark.parametrize("name", INVARIANTS)
def test_mutations_of_the_seeds(name: str) -> None:
    @settings(derandomize=True, deadline=None, max_examples=EXAMPLES, database=None)
    @given(st.sampled_from(seeds()[name]), edits)
    def holds(seed: bytes, changes: list[tuple[int, int, bytes]]) -> None:
        INVARIANTS[name](mutated(seed, changes))

    holds()


@settings(derandomize=True, deadline=None, max_examples=EXAMPLES, database=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_heads_made_of_lines(lines: list[bytes]) -> None:
    INVARIANTS["request"](b"POST / HTTP/1.1\r\nHost: a\r\n" + b"".join(lines) + b"\r\n")


Stage = Callable[[bytes, list[int]], None]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    recorder = Recorder()
    with staged(recorder.serve) as (runner, world):
        yield lambda data, places: runner.run(sequence(world, recorder, cut(data, places)))


async def sequence(world: World, recorder: Recorder, pieces: list[bytes]) -> None:
    """Whatever a client sends, cut however: each answer of a target's is that to a request it saw, in order; at most the last
    one it saw went unanswered, for the client left; all readers see the same; the next client gets his own."""
    before = {id(raw): len(raw) for raw in recorder.connections}
    seen = len(recorder.seen)
    async with connected(world) as client, asyncio.timeout(10):
        await client.send(pieces)
        await quiet(client, recorder)
        client.end()
        await client.answers(None)
        got = client.got
    async with connected(world) as honest, asyncio.timeout(10):
        await honest.send([HONEST])
        [reply] = await honest.answers(1)
        assert (reply.status, reply.target) == (200, b"/honest")
    await eventually(lambda: not world.node.plane.clients and not any(one.in_flight for one in world.targets))
    answered = [answer.target for answer in answers_in(got, ended=True) if answer.target is not None]
    targets = [tag(request.target) for request in recorder.seen[seen:]]
    assert targets[-1] == b"/honest"
    assert targets[: len(answered)] == answered
    assert len(targets) - 1 - len(answered) in (0, 1)
    for raw in recorder.connections:
        new = bytes(raw[before.get(id(raw), 0) :])
        strict = READERS["strict"](new)
        assert strict.end is not End.BROKEN
        assert READERS["naive"](new) == strict
        assert READERS["naive, length first"](new) == strict
        check_vouched(new, len(strict.requests))


async def quiet(client: Connection, recorder: Recorder) -> None:
    """Until nothing has happened for some turns of the loop that all sides share."""
    turns, last = 0, (0, 0)
    while turns < 10:
        await client.take()
        now = (len(client.got), sum(map(len, recorder.connections)))
        turns, last = (turns + 1, last) if now == last else (0, now)


@settings(
    derandomize=True,
    deadline=None,
    max_examples=SEQUENCES,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.tuples(st.sampled_from(seeds()["request"]), edits), min_size=1, max_size=4),
    st.lists(st.integers(1, 2000), max_size=6, unique=True),
)
def test_a_sequence(stage: Stage, parts: list[tuple[bytes, list[tuple[int, int, bytes]]]], places: list[int]) -> None:
    data = b"".join(mutated(seed, changes) for seed, changes in parts)
    stage(data, [place for place in places if place < len(data)])
