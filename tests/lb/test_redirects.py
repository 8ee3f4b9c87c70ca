"""Where a redirect leads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.elbv2.rules import Redirect
from services.lb.routing.redirects import LOCATION_BYTES, Redirection

UNCHANGED = Redirect(301)


@pytest.mark.parametrize(
    ("action", "target", "expected"),
    [
        (Redirect(301, protocol="HTTPS", port="443"), b"/", b"https://example.com:443/"),
        (Redirect(301, protocol="HTTPS", port="443"), b"/a/b?c=d&e", b"https://example.com:443/a/b?c=d&e"),
        (Redirect(301, port="8080"), b"/a%20b", b"http://example.com:8080/a%20b"),
        (Redirect(302, host="www.#{host}"), b"/x?y", b"http://www.example.com:81/x?y"),
        (Redirect(302, path="/new/#{path}"), b"/old", b"http://example.com:81/new/old"),
        (Redirect(302, path="/new", query=""), b"/old?y", b"http://example.com:81/new"),
        (Redirect(302, query="#{query}&v=1"), b"/?a", b"http://example.com:81/?a&v=1"),
        (Redirect(302, path="/#{host}/#{port}/#{path}"), b"//x", b"http://example.com:81/example.com/81//x"),
        (
            Redirect(302, path="/", query="u=#{protocol}://#{host}:#{port}/#{path}?#{query}"),
            b"/p?q",
            b"http://example.com:81/?u=http://example.com:81/p?q",
        ),
        (Redirect(302, path="/#{nothing}#{path}"), b"/a", b"http://example.com:81/#{nothing}a"),
        (UNCHANGED, b"http://other/a?b", b"http://example.com:81/a?b"),
        (UNCHANGED, b"/#{query}?#{path}", b"http://example.com:81/"),
    ],
)
def test_locations(action: Redirect, target: bytes, expected: bytes) -> None:
    assert Redirection(action).location(b"http", b"example.com:81", 81, target) == expected


def test_what_the_client_wrote_is_put_in_once() -> None:
    location = Redirection(Redirect(302, path="/#{path}/#{path}")).location(b"http", b"h", 80, b"/%23{path}?#{host}")
    assert location == b"http://h:80/%23{path}/%23{path}"


def test_a_location_of_8_k_is_sent_and_a_longer_one_is_not() -> None:
    redirection = Redirection(UNCHANGED)
    length = LOCATION_BYTES - len(b"http://h:80/")
    location = redirection.location(b"http", b"h", 80, b"/" + b"a" * length)
    assert location is not None
    assert len(location) == LOCATION_BYTES
    assert redirection.location(b"http", b"h", 80, b"/" + b"a" * (length + 1)) is None


@given(
    path=st.text("ab/.%4", max_size=20),
    query=st.text("ab=&?%", max_size=20),
    host=st.sampled_from(["a.com", "a.com:80", "[::1]:80"]),
    port=st.integers(1, 65535),
)
def test_a_redirect_of_nothing_but_the_port_keeps_the_rest(path: str, query: str, host: str, port: int) -> None:
    target = f"/{path}?{query}".encode()
    location = Redirection(Redirect(301, port=str(port))).location(b"https", host.encode(), 443, target)
    name = host.removesuffix(":80")
    assert location == f"https://{name}:{port}/{path}{'?' if query else ''}{query}".encode()
