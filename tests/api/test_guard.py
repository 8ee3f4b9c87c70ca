"""Who may talk to the API: this machine's own pages and programs."""

import pytest

from lab.api.guard import host_name, refusal


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("127.0.0.1", None, True),
        ("127.0.0.1:4566", None, True),
        ("localhost:4566", None, True),
        ("LOCALHOST:4566", None, True),
        ("[::1]:4566", None, True),
        ("[::1]", None, True),
        (None, None, False),
        ("", None, False),
        ("evil.example", None, False),
        ("evil.example:4566", None, False),
        ("127.0.0.1.evil.example", None, False),
        ("localhost.evil.example:80", None, False),
        ("127.0.0.1@evil.example", None, False),
        ("control:4566", None, False),
        ("0.0.0.0:4566", None, False),
        ("127.0.0.1:4566", "http://127.0.0.1:4566", True),
        ("127.0.0.1:4566", "http://localhost:8080", True),
        ("127.0.0.1:4566", "https://[::1]:1", True),
        ("127.0.0.1:4566", "http://evil.example", False),
        ("127.0.0.1:4566", "http://127.0.0.1.evil.example", False),
        ("127.0.0.1:4566", "http://localhost@evil.example", False),
        ("127.0.0.1:4566", "null", False),
        ("127.0.0.1:4566", "", False),
        ("127.0.0.1:4566", "file://127.0.0.1", False),
        ("evil.example", "http://127.0.0.1:4566", False),
    ],
)
def test_table(host: str | None, origin: str | None, allowed: bool) -> None:
    assert (refusal(host, origin) is None) is allowed


def test_further_hosts_are_for_the_host_header_only() -> None:
    assert refusal("control:4566", None, {"control"}) is None
    assert refusal("control:4566", "http://control", {"control"}) is not None


def test_a_refusal_says_what_to_do() -> None:
    assert "http://localhost" in (refusal("evil.example", None) or "")


@pytest.mark.parametrize(
    ("host", "name"), [("a:80", "a"), ("a", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("A:x", "a:x")]
)
def test_host_names(host: str, name: str) -> None:
    assert host_name(host) == name
