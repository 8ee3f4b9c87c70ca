"""From `add` to files in the spool: names, rotation, what is off, limits, `kill -9`."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.core.elbv2.config import LogTarget
from services.lb.logs.names import Place, end_of, interval_of, key, place
from services.lb.logs.spool import Spool
from services.lb.logs.writer import WAITING_BYTES, Block, Writer
from tests.lb.log_lines import CONNECTION, HEALTH, tokens
from tests.lb.log_site import START, Site, config


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


# Names.


def test_a_name_is_aws_s() -> None:
    found = key(place(config(), LogTarget("logs", "shop"), "", end_of(START + 1, 300.0), "10.0.0.5"), bytes(range(8)))
    assert found == (
        "shop/AWSLogs/123456789012/elasticloadbalancing/us-east-1/2018/07/02/"
        "123456789012_elasticloadbalancing_us-east-1_app.web.50dc6c495c0c9188_20180702T2225Z_10.0.0.5_abcdefgh.log.gz"
    )


@pytest.mark.parametrize("kind", ["conn_log_", "health_check_log_"])
def test_the_other_logs_have_a_prefix_of_their_own(kind: str) -> None:
    stem = place(config(), LogTarget("logs"), kind, end_of(START, 300.0), "10.0.0.5").stem
    assert f"/2018/07/02/{kind}123456789012_elasticloadbalancing_" in stem


def test_the_day_is_that_of_the_end() -> None:
    late = START + 1 * 3600 + 39 * 60  # 23:59
    assert "/2018/07/03/" in place(config(), LogTarget("logs"), "", end_of(late, 300.0), "n").stem


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 300.0), (20.0, 15.0), (1000.0, 1.0)])
def test_intervals_are_lab_time_aligned_to_the_clock(speed: float, seconds: float) -> None:
    interval = interval_of(config(speed))
    assert interval == seconds
    assert end_of(START, interval) == START + seconds
    assert end_of(START + seconds - 0.01, interval) == START + seconds


# From entries to files.


async def test_an_interval_becomes_one_file(site: Site) -> None:
    site.logs.configure(config())
    site.logs.start()
    site.request(100)
    site.logs.flush()
    site.advance(299)
    site.logs.tick()
    site.request()
    site.logs.flush()
    site.advance(1)
    site.logs.tick()
    site.request(2)
    await site.logs.stop()
    first, second = site.files().items()
    assert first[0].startswith("logs/AWSLogs/123456789012/elasticloadbalancing/us-east-1/2018/07/02/")
    assert ("_20180702T2225Z_" in first[0], "_20180702T2230Z_" in second[0]) == (True, True)
    assert (len(first[1]), len(second[1])) == (101, 2)
    assert tokens(first[1][0])[1] == b"2018-07-02T22:20:00.000000Z"
    assert tokens(second[1][0])[1] == b"2018-07-02T22:25:00.000000Z"
    assert site.logs.dropped == 0


async def test_an_interval_without_requests_becomes_none(site: Site) -> None:
    site.logs.configure(config())
    site.logs.start()
    for _ in range(5):
        site.advance(300)
        site.logs.tick()
    await site.logs.stop()
    assert site.files() == {}


async def test_three_logs_at_once(site: Site) -> None:
    targets = {
        "access_logs": LogTarget("a"),
        "connection_logs": LogTarget("b", "x"),
        "health_check_logs": LogTarget("a"),
    }
    site.logs.configure(config(1.0, **targets))
    site.logs.start()
    assert site.logs.connections is not None
    assert site.logs.health_checks is not None
    site.request()
    site.logs.add_connection(site.logs.connections.line(CONNECTION))
    site.logs.add_health(site.logs.health_checks.line(HEALTH))
    await site.logs.stop()
    assert [(name.partition("/")[0], len(tokens(lines[0]))) for name, lines in site.files().items()] == [
        ("a", 34),
        ("a", 10),
        ("b", 15),
    ]


async def test_what_is_off_is_not_kept(site: Site) -> None:
    site.request()
    site.logs.flush()
    site.logs.configure(config(idle_timeout=60.0))
    site.logs.start()
    assert (site.logs.access, site.logs.connections, site.logs.health_checks) == (None, None, None)
    site.logs.add(b"of a request that ended just then\n")
    site.logs.flush()
    site.logs.tick()
    await site.logs.stop()
    assert site.files() == {}


async def test_another_bucket_gets_what_comes_after(site: Site) -> None:
    site.logs.configure(config())
    site.logs.start()
    site.request(3)
    site.logs.configure(config(access_logs=LogTarget("other", "p")))
    site.request(4)
    site.logs.configure(config(idle_timeout=60.0))
    site.request(5)
    await site.logs.stop()
    assert {name.partition("/")[0]: len(lines) for name, lines in site.files().items()} == {"logs": 3, "other": 4}


async def test_the_same_configuration_again_does_not_cut_a_file(site: Site) -> None:
    site.logs.configure(config())
    site.logs.start()
    for _ in range(50):
        site.request()
        site.logs.configure(config())
    await site.logs.stop()
    [lines] = site.files().values()
    assert len(lines) == 50


async def test_the_wall_clock_is_followed(site: Site) -> None:
    site.logs.configure(config())
    site.logs.start()
    site.wall += 60.0
    site.logs.tick()
    site.request()
    await site.logs.stop()
    [[line]] = site.files().values()
    assert tokens(line)[1] == b"2018-07-02T22:21:00.000000Z"


async def test_a_flush_hands_over_whole_blocks(site: Site) -> None:
    site.logs.configure(config())
    site.logs.start()
    for _ in range(1000):
        site.request()
        site.logs.flush()
    site.request(1000)  # in one batch more than a block
    site.logs.flush()
    site.request(1)
    await site.logs.stop()
    [lines] = site.files().values()
    assert len(lines) == 2001
    assert all(len(tokens(line)) == 34 for line in lines)


def test_a_disk_that_hangs_costs_bounded_memory(tmp_path: Path) -> None:
    writer = Writer(Spool(tmp_path), os.urandom)  # never started: as if its thread hung
    block = Block(0, Place("b", "stem"), b"x" * 65536, 100)
    for _ in range(100):
        writer.give(block)
    kept = WAITING_BYTES // 65536 + 1
    assert writer.dropped == (100 - kept) * 100


async def test_a_spool_that_cannot_be_written_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    site = Site(tmp_path / "file")
    site.logs.configure(config())
    site.logs.start()
    site.request(5)
    await site.logs.stop()
    assert site.logs.dropped == 5


CRASH = """
import os, sys, time
from pathlib import Path
from services.lb.logs.logs import Logs
from services.lb.logs.spool import Spool
from tests.lb.log_lines import PLAIN
from tests.lb.log_site import config

logs = Logs(Spool(Path(sys.argv[1])), "10.0.0.5", clock=time.monotonic, wall_clock=time.time, random_bytes=os.urandom)
logs.configure(config())
logs.start()
while True:
    for _ in range(64):
        logs.add(logs.access.line(PLAIN._replace(ended=time.monotonic())))
    logs.flush()
    logs.tick()
    print(64, flush=True)
"""


def written(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


async def test_kill_9_loses_only_what_was_not_flushed(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASH, str(tmp_path), stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(root)}
    )  # fmt: skip
    assert process.stdout is not None
    said = 0
    # The thread that writes takes its time: kill when something has come to the disk, and more is under way.
    while said < 200 or written(tmp_path) == 0:
        await process.stdout.readline()
        said += 1
    process.kill()
    rest, _ = await process.communicate()
    site = Site(tmp_path)
    assert site.spool.salvage() == 1
    [lines] = site.files().values()
    # What the thread had not yet taken, 4 MB of blocks at most, is gone with the process. The last round may have been killed
    # before it was told of.
    assert 0 < len(lines) <= 64 * (said + rest.count(b"\n") + 1)
    assert all(len(tokens(line)) == 34 for line in lines)
