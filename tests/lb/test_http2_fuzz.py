"""Whatever comes, a connection of HTTP/2 ends by a rule of its own: no handler fails, nothing is left behind."""

import random

import pytest

from services.lb.serving.outcome import Cause
from tests.eventually import eventually
from tests.lb.http2_client import connect, head
from tests.lb.world import SELECTORS, World, run_in_world

_ROUNDS = 60


def mangled(random_: random.Random, data: bytes) -> bytes:
    """Some bytes changed, cut, doubled or moved."""
    out = bytearray(data)
    for _ in range(random_.randint(1, 4)):
        at = random_.randrange(len(out))
        to = min(len(out), at + random_.randint(1, 20))
        match random_.randrange(4):
            case 0:
                out[at] = random_.randrange(256)
            case 1:
                out[at:to] = b""
            case 2:
                out[at:at] = out[at:to]
            case _:
                out += out[at:to]
        out = out or bytearray(b"\0")
    return bytes(out)


@pytest.mark.parametrize("seed", range(4))
def test_mangled_frames(seed: int) -> None:
    random_ = random.Random(seed)

    async def run(world: World) -> None:
        await world.origin()
        await world.run()
        for _ in range(_ROUNDS):
            client = await connect(world)
            await client.turn()
            for _ in range(random_.randint(1, 3)):
                number = client.protocol.get_next_available_stream_id()
                client.protocol.send_headers(number, head("POST", content_length="9", cookie="a=1"))
                client.protocol.send_data(number, b"123456789", end_stream=True)
                if random_.random() < 0.3:
                    client.protocol.reset_stream(number)
                client.protocol.ping(b"12345678")
            client.writer.write(mangled(random_, client.protocol.data_to_send()))
            client.writer.write_eof()
        await eventually(lambda: not world.node.plane.clients)
        assert [one for one in world.node.plane.counters.outcomes if one.cause is Cause.INTERNAL] == []
        assert world.node.plane.selector.held == 0
        assert world.targets[0].in_flight == 0

    run_in_world([*SELECTORS.values()][seed % 2], run)
