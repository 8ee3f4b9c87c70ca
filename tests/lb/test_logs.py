"""From `add` to whole files in the spool: rotation, limits, crashes, full disks."""

import asyncio
import gzip
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from lab.core.elbv2.config import Attributes, LoadBalancerConfig, LogTarget
from services.lb.logs.logs import QUEUED, Logs
from services.lb.logs.names import Place, end_of, interval_of, key, place
from services.lb.logs.spool import SPOOL_BYTES, Full, Spool
from services.lb.logs.writer import WAITING_BYTES, Block, Writer
from tests.eventually import eventually
from tests.lb.log_lines import CONNECTION, HEALTH, PLAIN, tokens

ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
START = 1_530_570_000.0  # 2018-07-02T22:20:00Z, when an interval begins


def config(speed: float = 1.0, **changes: Any) -> LoadBalancerConfig:
    attributes = changes or {"access_logs": LogTarget("logs", "")}
    name = "app/web/50dc6c495c0c9188"
    return LoadBalancerConfig(1, name, ARN, "web", speed, (), (), Attributes(**attributes))


class Site:
    """Logs over a spool, and clocks that a test turns."""

    def __init__(self, directory: Path, limit: int = SPOOL_BYTES) -> None:
        self.monotonic, self.wall = 1000.0, START
        self.spool = Spool(directory, limit)
        self._counter = 0
        self.logs = Logs(
            self.spool,
            "10.0.0.5",
            clock=lambda: self.monotonic,
            wall_clock=lambda: self.wall,
            random_bytes=self._random,
        )

    def _random(self, size: int) -> bytes:
        self._counter += 1
        return self._counter.to_bytes(size, "big")

    def advance(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    def request(self, count: int = 1, **fields: Any) -> None:
        for _ in range(count):
            self.logs.add(PLAIN._replace(created=self.monotonic, ended=self.monotonic, **fields))

    def files(self) -> dict[str, list[bytes]]:
        """What is ready, by bucket and key: the lines."""
        self.spool.pack()
        return {
            f"{one.bucket}/{one.key}": gzip.decompress(one.path.read_bytes()).splitlines(keepends=True)
            for one in self.spool.ready()
        }


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
    site.logs.flush(1000)
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
    assert (site.logs.access, site.logs.connections, site.logs.health_checks) == (True, True, True)
    site.request()
    site.logs.add_connection(CONNECTION)
    site.logs.add_health(HEALTH)
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
    assert (site.logs.access, site.logs.connections, site.logs.health_checks) == (False, False, False)
    site.request(10)
    site.logs.add_health(HEALTH)
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


async def test_flush_takes_slices_and_a_backlog_shrinks(site: Site) -> None:
    site.logs.configure(config())
    site.request(1000)
    queue = site.logs.add.__self__  # type: ignore[attr-defined]  # a bound method of the list
    site.logs.flush(64)
    assert len(queue) == 750
    while len(queue) > 64:
        site.logs.flush(64)
    site.logs.flush(64)
    assert queue == []
    site.logs.start()
    await site.logs.stop()
    [lines] = site.files().values()
    assert len(lines) == 1000


async def test_lines_of_hostile_length_end_a_flush_early(site: Site) -> None:
    """Sixteen kilobytes of bytes that must be escaped, a thousand times: no flush takes them all."""
    site.logs.configure(config())
    site.request(1000, request=b"GET /" + b"\xff" * 16_000 + b" HTTP/1.1")
    queue = site.logs.add.__self__  # type: ignore[attr-defined]  # a bound method of the list
    site.logs.flush()
    assert len(queue) == 1000 - 64
    site.logs.flush()
    assert len(queue) == 1000 - 128


async def test_entries_over_the_limit_are_dropped_and_counted(site: Site) -> None:
    site.logs.configure(config())
    site.request(QUEUED + 10)
    site.logs.flush(64)
    assert site.logs.dropped == 10
    site.logs.start()
    await site.logs.stop()
    [lines] = site.files().values()
    assert len(lines) == QUEUED


async def test_an_entry_that_cannot_be_rendered_harms_no_other_slice(site: Site) -> None:
    site.logs.configure(config())
    site.logs.start()
    site.request(1, elb_status=10_000)
    site.logs.flush()
    site.request(2)
    await site.logs.stop()
    [lines] = site.files().values()
    assert (len(lines), site.logs.dropped) == (2, 1)


def test_a_disk_that_hangs_costs_bounded_memory(tmp_path: Path) -> None:
    writer = Writer(Spool(tmp_path), os.urandom)  # never started: as if its thread hung
    block = Block(0, Place("b", "stem"), b"x" * 65536, 100)
    for _ in range(100):
        writer.give(block)
    kept = WAITING_BYTES // 65536 + 1
    assert writer.dropped == (100 - kept) * 100


# Files.


def test_a_file_appears_whole(site: Site) -> None:
    file = site.spool.open("b", "dir/k")
    file.write(b"one\n")
    assert site.files() == {}
    file.write(b"two\n")
    file.close()
    assert site.files() == {"b/dir/k": [b"one\n", b"two\n"]}


@pytest.mark.parametrize("name", ["", "..", "a//b", "a/../b", "/a", "a/", ".", "a\0b"])
@pytest.mark.parametrize("as_bucket", [True, False])
def test_no_name_leads_out_of_the_spool(site: Site, name: str, as_bucket: bool) -> None:
    with pytest.raises(ValueError, match="do not name a log file"):
        site.spool.open(*((name, "k") if as_bucket else ("b", name)))


def test_files_in_use_are_not_salvaged(site: Site) -> None:
    file = site.spool.open("b", "k")
    file.write(b"one\n")
    assert site.spool.salvage() == 0
    file.write(b"two\n")
    file.close()
    assert site.files() == {"b/k": [b"one\n", b"two\n"]}


@pytest.mark.parametrize(
    ("left", "saved"),
    [(b"one\ntwo\n", [b"one\n", b"two\n"]), (b"one\ntw", [b"one\n"]), (b"on", None), (b"", None)],
)
def test_what_a_crash_left_is_salvaged(site: Site, tmp_path: Path, left: bytes, saved: list[bytes] | None) -> None:
    path = tmp_path / "open" / "b" / "dir" / "k"
    path.parent.mkdir(parents=True)
    path.write_bytes(left)
    assert site.spool.salvage() == (saved is not None)
    assert site.files() == ({} if saved is None else {"b/dir/k": saved})
    assert not path.exists()


def test_a_long_line_that_is_not_whole_is_cut(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "open" / "b" / "k"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"one\n" + b"x" * 600_000)
    site.spool.salvage()
    assert site.files() == {"b/k": [b"one\n"]}


def test_packing_on_a_full_disk_leaves_nothing_behind(site: Site, tmp_path: Path) -> None:
    file = site.spool.open("b", "k")
    file.write(os.urandom(2000))
    file.close()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            site.spool.pack()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path for path in (tmp_path / "packing").rglob("*") if path.is_file()] == []
    assert (site.spool.pack(), len(site.spool.ready())) == (1, 1)


def test_packing_that_was_interrupted_is_done_again(site: Site, tmp_path: Path) -> None:
    file = site.spool.open("b", "k")
    file.write(b"one\n")
    file.close()
    half = tmp_path / "packing" / "b" / "k"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half a file")
    assert site.files() == {"b/k": [b"one\n"]}


async def test_files_are_opened_and_salvaged_at_the_same_time(site: Site) -> None:
    """A file that was made and is not locked yet must not be taken for one that a crash left."""
    done = threading.Event()

    def write() -> None:
        try:
            for number in range(100):
                file = site.spool.open("b", f"dir{number % 3}/{number:03d}")
                file.write(b"%d\n" % number)
                file.close()
        finally:
            done.set()

    def salvage() -> int:
        found = 0
        while not done.is_set():
            found += site.spool.salvage()
        return found

    _, salvaged = await asyncio.gather(asyncio.to_thread(write), asyncio.to_thread(salvage))
    assert salvaged == 0
    assert sorted(line for lines in site.files().values() for line in lines) == sorted(b"%d\n" % n for n in range(100))


async def test_a_file_that_grows_large_is_ended_early(site: Site) -> None:
    writer = Writer(site.spool, os.urandom)
    writer.start()
    line = b"x" * 99 + b"\n"
    lines = line * (3 * 1024 * 1024 // len(line))
    for _ in range(12):
        writer.give(Block(0, Place("b", "stem"), lines, 1))
        await eventually(lambda: writer.waiting == 0)
    await asyncio.to_thread(writer.stop)
    assert writer.dropped == 0
    files = site.files()
    assert len(files) == 3
    assert b"".join(line for lines in files.values() for line in lines) == lines * 12


async def test_a_spool_that_is_full_takes_no_new_file(tmp_path: Path) -> None:
    site = Site(tmp_path, limit=1000)
    site.logs.configure(config())
    site.logs.start()
    site.request(10)
    site.logs.flush()
    site.advance(300)
    site.logs.tick()
    await eventually(lambda: site.spool.waiting() >= 1000)
    site.request(7)
    await site.logs.stop()
    assert site.logs.dropped == 7
    with pytest.raises(Full):
        site.spool.open("b", "k")


def test_a_full_disk_costs_whole_blocks_only(site: Site) -> None:
    """A limit on the size of files does what a full disk does: part of a write is taken, the next one fails."""
    file = site.spool.open("b", "k")
    file.write(b"one\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            file.write(b"two two two\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    file.write(b"three\n")
    file.close()
    assert site.files() == {"b/k": [b"one\n", b"three\n"]}


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
from tests.lb.test_logs import config

logs = Logs(Spool(Path(sys.argv[1])), "10.0.0.5", clock=time.monotonic, wall_clock=time.time, random_bytes=os.urandom)
logs.configure(config())
logs.start()
while True:
    for _ in range(64):
        logs.add(PLAIN._replace(ended=time.monotonic()))
    logs.flush()
    logs.tick()
    print(64, flush=True)
"""


async def test_kill_9_loses_only_what_was_not_flushed(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASH, str(tmp_path), stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(root)}
    )  # fmt: skip
    assert process.stdout is not None
    for _ in range(200):
        await process.stdout.readline()
    process.kill()
    await process.communicate()
    site = Site(tmp_path)
    assert site.spool.salvage() == 1
    [lines] = site.files().values()
    # What the thread had not yet taken, 4 MB of blocks at most, is gone with the process.
    assert len(lines) % 64 > 0 or len(lines) > 0
    assert all(len(tokens(line)) == 34 for line in lines)
