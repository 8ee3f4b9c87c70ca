"""Names of buckets, pages of a listing, byte ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.buckets import RESERVED, Page, byte_range, check_bucket_name, page
from lab.core.errors import LabError

KEYS = ["a", "b/1", "b/2", "b/c/3", "c", "d/4", "é"]


@pytest.mark.parametrize("name", ["abc", "my-logs", "a.b-c9", "0" * 63, "10.0.0"])
def test_names(name: str) -> None:
    check_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "ab", "0" * 64, "Logs", "my_logs", "-logs", "logs-", ".logs", "a..b", "10.0.0.5", "xn--logs", "a b", "../x", "é23",
     *RESERVED],
)  # fmt: skip
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(LabError) as caught:
        check_bucket_name(name)
    assert caught.value.code == "InvalidBucketName"


@pytest.mark.parametrize(
    ("prefix", "delimiter", "after", "limit", "expected"),
    [
        ("", "", "", 99, Page(tuple(KEYS), ())),
        ("b/", "", "", 99, Page(("b/1", "b/2", "b/c/3"), ())),
        ("", "/", "", 99, Page(("a", "c", "é"), ("b/", "d/"))),
        ("b/", "/", "", 99, Page(("b/1", "b/2"), ("b/c/",))),
        ("", "/", "", 2, Page(("a",), ("b/",), "b/")),
        ("", "/", "b/", 2, Page(("c",), ("d/",), "d/")),
        ("", "/", "d/", 2, Page(("é",), ())),
        ("", "/", "b/1", 99, Page(("c", "é"), ("b/", "d/"))),
        ("", "", "b/2", 1, Page(("b/c/3",), (), "b/c/3")),
        ("", "", "", 0, Page((), ())),
        ("", "", "é", 99, Page((), ())),
        ("x", "", "", 99, Page((), ())),
    ],
)
def test_pages(prefix: str, delimiter: str, after: str, limit: int, expected: Page) -> None:
    assert page(reversed(KEYS), prefix, delimiter, after, limit) == expected


@given(st.lists(st.text("ab/é", min_size=1, max_size=6), unique=True), st.integers(1, 5), st.sampled_from(["", "/"]))
def test_pages_together_are_the_whole(keys: list[str], limit: int, delimiter: str) -> None:
    whole = page(keys, "", delimiter, "", 1000)
    after, found, prefixes = "", list[str](), list[str]()
    while True:
        part = page(keys, "", delimiter, after, limit)
        assert len(part.keys) + len(part.prefixes) <= limit
        found += part.keys
        prefixes += part.prefixes
        if not part.last:
            break
        after = part.last
    assert (tuple(found), tuple(prefixes)) == (whole.keys, whole.prefixes)
    assert {key for key in keys if not delimiter or delimiter not in key} == set(found)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-3", (0, 4)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=5-99", (5, 10)),
        ("bytes=-", None),
        ("bytes=3-2", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
    ],
)
def test_ranges(header: str | None, expected: tuple[int, int] | None) -> None:
    assert byte_range(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_ranges_beyond_the_end(header: str) -> None:
    with pytest.raises(LabError) as caught:
        byte_range(header, 10)
    assert (caught.value.code, caught.value.status) == ("InvalidRange", 416)
