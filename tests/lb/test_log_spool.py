"""Log files on disk: whole or not at all, whoever crashes and however full the disk is."""

import asyncio
import os
import resource
import threading
from pathlib import Path

import pytest

from services.lb.logs.names import Place
from services.lb.logs.spool import Full
from services.lb.logs.writer import Block, Writer
from tests.eventually import eventually
from tests.lb.log_site import Site, config


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


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
