"""What a request costs that can be counted: system calls, changes of interest, memory. Time is for `bench`."""

import gc
import os
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lb.road import Road

REQUESTS = 500
RETAINED_BLOCKS = 250
"""For all requests together: memos, histogram buckets, lines that wait for the writer's thread."""
PEAK_BYTES = 5_000
"""Of one request with its log line, while it is under way."""


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    road = Road(tmp_path)
    yield road
    road.close()


pytestmark = pytest.mark.skipif(not hasattr(os, "eventfd"), reason="descriptors that only count are eventfds: Linux")


def test_a_request_is_two_reads_and_two_writes(road: Road) -> None:
    before = sum(sock.calls for sock in road.sockets)
    interests = [road.selector._handlers[sock.fileno()].interest for sock in road.sockets]  # type: ignore[attr-defined]
    for number in range(REQUESTS):
        road.request(number)
        assert [road.selector._handlers[s.fileno()].interest for s in road.sockets] == interests  # type: ignore[attr-defined]
    assert sum(sock.calls for sock in road.sockets) - before == 4 * REQUESTS
    [group] = road.plane.table.groups.values()
    assert group.counters.by_class[2] == REQUESTS + 20


def test_a_request_leaves_nothing_behind(road: Road) -> None:
    for number in range(100):
        road.request(number)
    road.logs.flush()
    gc.collect()
    gc.disable()  # what is left until it runs would be found
    try:
        before = sys.getallocatedblocks()
        for number in range(100, 100 + REQUESTS):
            road.request(number % 100)
            road.logs.flush()
        grown = sys.getallocatedblocks() - before
    finally:
        gc.enable()
    assert grown < RETAINED_BLOCKS


def test_a_request_takes_little_memory_while_it_is_under_way(road: Road) -> None:
    tracemalloc.start()
    try:
        road.request(1)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        road.request(2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < PEAK_BYTES
