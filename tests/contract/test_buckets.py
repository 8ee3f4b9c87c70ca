"""What `lab.control.ports.Buckets` promises, asked of both adapters alike; and what files alone can get wrong."""

import hashlib
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.adapters.buckets import FileBuckets, MemoryBuckets
from lab.control.ports import Buckets
from lab.core.errors import LabError, Unavailable

Make = Callable[[Path], Buckets]


@pytest.fixture(params=[FileBuckets, lambda _: MemoryBuckets(lambda: 1_700_000_000.0)], ids=["files", "memory"])
def buckets(request: pytest.FixtureRequest, tmp_path: Path) -> Buckets:
    make: Make = request.param
    return make(tmp_path / "buckets")


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(LabError) as caught:
        act()
    return caught.value.code


def test_nothing_at_first(buckets: Buckets) -> None:
    assert buckets.buckets() == []
    assert buckets.keys("logs") == []
    assert buckets.get("logs", "a") is None
    assert buckets.find("logs", "a") is None
    buckets.delete("logs", "a")
    for act in (
        lambda: buckets.put("logs", "a", b""),
        lambda: buckets.remove("logs"),
        lambda: buckets.created("logs"),
        lambda: buckets.policy("logs"),
        lambda: buckets.put_policy("logs", "{}"),
    ):
        assert refusal(act) == "NoSuchBucket"
    assert buckets.buckets() == []


def test_an_object(buckets: Buckets) -> None:
    buckets.create("logs")
    assert buckets.created("logs") > 1_600_000_000
    buckets.put("logs", "dir/a", b"one")
    buckets.put("logs", "dir/a", b"second")
    assert buckets.get("logs", "dir/a") == b"second"
    found = buckets.find("logs", "dir/a")
    assert found is not None
    assert (found.key, found.size, found.etag) == ("dir/a", 6, hashlib.md5(b"second").hexdigest())
    assert found.modified > 1_600_000_000
    assert buckets.get("logs", "dir") is None
    assert buckets.find("logs", "dir") is None
    buckets.delete("logs", "dir/a")
    buckets.delete("logs", "dir/a")
    assert (buckets.keys("logs"), buckets.get("logs", "dir/a")) == ([], None)
    buckets.put("logs", "dir", b"a file now")
    assert buckets.keys("logs") == ["dir"]


def test_keys_by_prefix(buckets: Buckets) -> None:
    buckets.create("logs")
    buckets.create("other")
    for key in ("a/1", "a/2", "ab", "b"):
        buckets.put("logs", key, b"")
    assert sorted(buckets.keys("logs")) == ["a/1", "a/2", "ab", "b"]
    assert sorted(buckets.keys("logs", "a/")) == ["a/1", "a/2"]
    assert sorted(buckets.keys("logs", "a")) == ["a/1", "a/2", "ab"]
    assert buckets.keys("other") == []
    assert buckets.buckets() == ["logs", "other"]


def test_a_bucket_is_removed_when_it_is_empty(buckets: Buckets) -> None:
    buckets.create("logs")
    buckets.put("logs", "a/b/c", b"")
    buckets.put_policy("logs", "{}")
    assert refusal(lambda: buckets.remove("logs")) == "BucketNotEmpty"
    buckets.delete("logs", "a/b/c")
    buckets.remove("logs")
    assert buckets.buckets() == []
    buckets.create("logs")
    assert buckets.policy("logs") is None


def test_making_a_bucket_again_changes_nothing(buckets: Buckets) -> None:
    buckets.create("logs")
    made = buckets.created("logs")
    buckets.put("logs", "a", b"x")
    buckets.create("logs")
    assert (buckets.created("logs"), buckets.get("logs", "a")) == (made, b"x")


def test_policies(buckets: Buckets) -> None:
    buckets.create("logs")
    buckets.put_policy("logs", '{"Statement": []}')
    assert buckets.policy("logs") == '{"Statement": []}'
    assert (buckets.buckets(), buckets.keys("logs")) == (["logs"], [])
    buckets.put_policy("logs", None)
    buckets.put_policy("logs", None)
    assert buckets.policy("logs") is None


@pytest.mark.parametrize("name", ["", ".policies", "../x", "a/b", "A", "lab", "metrics"])
def test_bad_bucket_names(buckets: Buckets, name: str) -> None:
    assert refusal(lambda: buckets.create(name)) == "InvalidBucketName"
    assert refusal(lambda: buckets.put(name, "a", b"")) == "NoSuchBucket"


@pytest.mark.parametrize(
    ("key", "code"),
    [("", "InvalidArgument"), ("/a", "InvalidArgument"), ("a/", "InvalidArgument"), ("a//b", "InvalidArgument"),
     ("..", "InvalidArgument"), ("../../x", "InvalidArgument"), ("a/./b", "InvalidArgument"), ("a\0", "InvalidArgument"),
     ("x" * 256, "InvalidArgument"), ("x/" * 512 + "x", "KeyTooLongError")],
)  # fmt: skip
def test_keys_that_cannot_be_kept(buckets: Buckets, key: str, code: str) -> None:
    buckets.create("logs")
    assert refusal(lambda: buckets.put("logs", key, b"")) == code
    assert (buckets.get("logs", key), buckets.find("logs", key)) == (None, None)
    buckets.delete("logs", key)


@pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a", "a/b/c"), ("a/b", "a"), ("a/b/c", "a/b")])
def test_a_name_is_a_file_or_a_folder(buckets: Buckets, first: str, second: str) -> None:
    buckets.create("logs")
    buckets.put("logs", first, b"1")
    assert refusal(lambda: buckets.put("logs", second, b"2")) == "InvalidArgument"
    assert buckets.keys("logs") == [first]


# Files.


def test_objects_are_plain_files_and_stay(tmp_path: Path) -> None:
    buckets = FileBuckets(tmp_path)
    buckets.create("logs")
    buckets.put("logs", "dir/a é", b"x")
    assert (tmp_path / "logs" / "dir" / "a é").read_bytes() == b"x"
    again = FileBuckets(tmp_path)
    assert (again.buckets(), again.keys("logs"), again.created("logs")) == (
        ["logs"], ["dir/a é"], buckets.created("logs"),
    )  # fmt: skip


def test_folders_made_by_hand_are_buckets(tmp_path: Path) -> None:
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "ca.pem").write_bytes(b"x")
    (tmp_path / "a file").write_bytes(b"x")
    buckets = FileBuckets(tmp_path)
    assert (buckets.buckets(), buckets.get("trust", "ca.pem")) == (["trust"], b"x")
    assert buckets.created("trust") > 1_600_000_000


def test_a_file_changed_by_hand_has_another_etag(tmp_path: Path) -> None:
    buckets = FileBuckets(tmp_path)
    buckets.create("logs")
    buckets.put("logs", "a", b"x")
    before = buckets.find("logs", "a")
    (tmp_path / "logs" / "a").write_bytes(b"y")
    os.utime(tmp_path / "logs" / "a", ns=(1, 1))
    after = buckets.find("logs", "a")
    assert before is not None
    assert after is not None
    assert (before.etag, after.etag) == (hashlib.md5(b"x").hexdigest(), hashlib.md5(b"y").hexdigest())


def test_a_full_disk_leaves_the_old_object(tmp_path: Path) -> None:
    """A limit on the size of files does what a full disk does."""
    buckets = FileBuckets(tmp_path)
    buckets.create("logs")
    buckets.put("logs", "a", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(Unavailable):
            buckets.put("logs", "a", b"new" * 10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (buckets.get("logs", "a"), buckets.keys("logs")) == (b"old", ["a"])


def test_a_state_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="free space"):
        FileBuckets(tmp_path / "file").create("logs")
