"""The access log's line of an ordinary request is joined of pieces at hand: it must be the line that its entry becomes."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.lb.logs.access import AccessLines
from services.lb.serving.downstream import Client
from services.lb.serving.outcome import Cause, Outcome, Phase
from services.lb.serving.record import access_line, entry
from tests.lb.log_lines import tokens
from tests.lb.road import Road

pytestmark = pytest.mark.skipif(not hasattr(os, "eventfd"), reason="descriptors that only count are eventfds: Linux")

COMPLETE = Outcome(Phase.RESPONSE, Cause.COMPLETE)
LINES = AccessLines(b"app/lb/1", b"lb.example", b"10.0.0.1", 1_530_570_080.0)
VISIBLE = st.binary(max_size=40).map(lambda data: bytes(33 + byte % 94 for byte in data))
HIGH = st.binary(max_size=40).map(lambda data: bytes(byte | 128 for byte in data))
MORE = (
    b"",
    b'X-Amzn-Trace-Id: Root=1-2-3;x="\r\n',
    b"X-Forwarded-For: 1.2.3.4\r\n",
    b"Connection: x\r\n",
    b"x_y: 1\r\n",
)


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    road = Road(tmp_path_factory.mktemp("road"))
    yield road
    road.close()


def both(road: Road, head: bytes, now: float) -> tuple[bytes, bytes]:
    road.send(head)
    client = road.client.owner
    assert isinstance(client, Client)
    client.trace = client.request.trace_id or b"Root=1-67891233-abcdef012345678912345678"
    return access_line(LINES, client, COMPLETE, now), LINES.line(entry(client, COMPLETE, now))


@given(
    st.sampled_from([b"GET", b"POST", b"DELETE", b"M'"]),
    VISIBLE | HIGH,
    st.sampled_from([b"www.example.com", b"WWW.Example.com:8080", b"[::1]:80", b"10.0.0.1"]),
    st.none() | VISIBLE,
    st.sampled_from(MORE),
    st.floats(0.0, 2.0),
)
def test_both_ways_come_to_the_same(
    road: Road, method: bytes, path: bytes, host: bytes, agent: bytes | None, more: bytes, later: float
) -> None:
    said = b"" if agent is None else b"User-Agent: %b\r\n" % agent
    head = b"%b /%b HTTP/1.1\r\nHost: %b\r\n%b%b\r\n" % (method, path, host, said, more)
    quick, thorough = both(road, head, road.selector.now + later)
    assert quick == thorough


def test_an_ordinary_request_takes_the_quick_way(road: Road) -> None:
    """Else the test above would compare the other way with itself."""
    head = b"GET /a?b=c HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/8.0\r\n\r\n"
    road.send(head)
    client = road.client.owner
    assert isinstance(client, Client)
    client.request.line = b"FROM the entry"
    found = tokens(access_line(LINES, client, COMPLETE, road.selector.now))
    assert found[12] == b"GET http://www.example.com:80/a?b=c HTTP/1.1"
