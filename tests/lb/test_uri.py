"""Targets taken apart and normalised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.lb.routing.uri import host_name, normal_path, origin_form, query_pairs


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/", b"/"),
        (b"/a/b", b"/a/b"),
        (b"/a//b/", b"/a//b/"),
        (b"/a/./b", b"/a/b"),
        (b"/a/../b", b"/b"),
        (b"/../../b", b"/b"),
        (b"/a/b/..", b"/a/"),
        (b"/a/.", b"/a/"),
        (b"/.", b"/"),
        (b"/..", b"/"),
        (b"/.hidden/..a", b"/.hidden/..a"),
        (b"/%2e%2E/a", b"/a"),
        (b"/%41%7e%2d", b"/A~-"),
        (b"/%2f%c3%a9", b"/%2F%C3%A9"),
        (b"/100%", b"/100%"),
        (b"/%zz", b"/%zz"),
        (b"/%25%34%31", b"/%2541"),
        (b"/a#b", b"/a"),
        (b"http://h/a/../b", b"/b"),
        (b"http://h", b"/"),
        (b"*", b"*"),
    ],
)
def test_paths(path: bytes, expected: bytes) -> None:
    assert normal_path(path) == expected


@given(st.lists(st.sampled_from([b"/", b".", b"a", b"%2e", b"%2f", b"%", b"4", b"1"]), max_size=12))
def test_a_normal_path_has_no_dot_segments_and_begins_with_a_slash(pieces: list[bytes]) -> None:
    path = normal_path(b"/" + b"".join(pieces))
    assert path.startswith(b"/")
    assert not {b".", b".."} & set(path.split(b"/"))


def test_forms() -> None:
    assert origin_form(b"http://h?x") == b"/?x"
    assert origin_form(b"http://h:80/a?x#f") == b"/a?x"
    assert origin_form(b"/a://b") == b"/a://b"
    assert origin_form(b"*") == b"*"


def test_queries() -> None:
    assert query_pairs(b"/?A=B&&c&d=e=f&%41=%2A#g=h") == [
        (b"a", b"b"),
        (b"c", b""),
        (b"d", b"e=f"),
        (b"a", b"%2a"),
    ]
    assert query_pairs(b"/") == []


def test_hosts() -> None:
    assert [host_name(host) for host in (b"a.b:80", b"a.b", b"[::1]:80", b"[::1]", b"")] == [
        b"a.b",
        b"a.b",
        b"[::1]",
        b"[::1]",
        b"",
    ]
