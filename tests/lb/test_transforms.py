"""Hosts and URLs rewritten on the way to a target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.elbv2.rules import FixedResponse, Rewrite, Rule, default_rule
from services.lb.routing.transforms import HOST_BYTES, TARGET_BYTES, Transforms, transforms


def rewriting(host: Rewrite | None = None, url: Rewrite | None = None) -> Transforms:
    made = transforms(Rule("rule", 1, (), FixedResponse(200), host, url))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("rewrite", "target", "expected"),
    [
        (Rewrite("^/dp/([A-Za-z0-9]+)/?$", "/product.php?id=$1"), b"/dp/B09G3HRMW", b"/product.php?id=B09G3HRMW"),
        (Rewrite("^/dp/([A-Za-z0-9]+)/?$", "/product.php?id=$1"), b"/dp/", b"/dp/"),
        (Rewrite("^/api/(.+)$", "/$1"), b"/api/v1/a?b=c", b"/v1/a?b=c"),
        (Rewrite("^/API", "/"), b"/api", b"/api"),
        (Rewrite("a", "b"), b"/aaa", b"/baa"),
        (Rewrite(r"\?.*", ""), b"/a?b", b"/a"),
        (Rewrite("^(/)(x)?", "$1$2y/"), b"/z", b"/y/z"),
        (Rewrite("^/a", "/$0$x$"), b"/a", b"/$0$x$"),
        (Rewrite("^/a/", "/"), b"http://h/a/b", b"/b"),
        (Rewrite("b", "c"), b"http://b/a/b", b"/a/c"),
    ],
)
def test_urls(rewrite: Rewrite, target: bytes, expected: bytes) -> None:
    assert rewriting(url=rewrite).apply(b"example.com", target) == (b"example.com", expected)


@pytest.mark.parametrize(
    ("rewrite", "host", "expected"),
    [
        (Rewrite("^mywebsite-(.+).com$", "internal.dev.$1.myweb.com"), b"mywebsite-example.com",
         b"internal.dev.example.myweb.com"),
        (Rewrite("^MyWebsite-(.+).com$", "Internal.$1"), b"mywebsite-example.com:8080", b"internal.example:8080"),
        (Rewrite("^www", "x"), b"example.com", b"example.com"),
    ],
)  # fmt: skip
def test_hosts(rewrite: Rewrite, host: bytes, expected: bytes) -> None:
    assert rewriting(host=rewrite).apply(host, b"/a") == (expected, b"/a")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        (None, Rewrite("^/a", "")),
        (None, Rewrite("^/a", "b")),
        (None, Rewrite("a", "$2")),
        (None, Rewrite("(a)", "$2")),
        (None, Rewrite("a", "a b")),
        (None, Rewrite("a", "a\r\nX: y")),
        (None, Rewrite("a", "a#b")),
        (None, Rewrite("a", "\x7f")),
        (None, Rewrite("a", "b" * TARGET_BYTES)),
        (Rewrite(".*", ""), None),
        (Rewrite(".*", "a b"), None),
        (Rewrite(".*", "a\r\nX: y"), None),
        (Rewrite(".*", "a/b"), None),
        (Rewrite(".*", "b" * (HOST_BYTES + 1)), None),
    ],
)
def test_transforms_that_fail(host: Rewrite | None, url: Rewrite | None) -> None:
    assert rewriting(host, url).apply(b"example.com", b"/a") is None


def test_a_transform_that_finds_nothing_cannot_fail() -> None:
    assert rewriting(url=Rewrite("(x)", "$2 ")).apply(b"h", b"/a") == (b"h", b"/a")


def test_a_rule_without_transforms_has_none() -> None:
    assert transforms(default_rule(FixedResponse(200))) is None


@given(
    regex=st.sampled_from(["a", "^/", "(.)$", "/+", "b?", "[^/]*", r"\?(.*)"]),
    replace=st.text("ab/ $12?#\r\n\0é", max_size=5),
    target=st.text("ab/?", max_size=8).map(lambda text: "/" + text),
)
def test_a_target_never_gets_two_lines_or_words_for_a_url(regex: str, replace: str, target: str) -> None:
    result = rewriting(url=Rewrite(regex, replace)).apply(b"h", target.encode())
    if result is not None:
        url = result[1]
        assert url.startswith(b"/")
        assert not set(url) & set(b" \t\r\n\0#\x7f")
