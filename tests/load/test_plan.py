from typing import Any

import pytest

from lab.load import Plan


def plan(url: str = "http://127.0.0.1:8080/a?b=c", **changes: Any) -> Plan:
    values: dict[str, Any] = {"urls": (url,), "rate": 1, "duration": 1, **changes}
    return Plan(**values)


def test_the_request_is_written_once_for_all() -> None:
    (endpoint,) = plan(headers=(("host", "shop.example"), ("X-A", "b"))).endpoints()
    assert (endpoint.host, endpoint.port) == ("127.0.0.1", 8080)
    assert endpoint.request == (
        b"GET /a?b=c HTTP/1.1\r\nhost: shop.example\r\nUser-Agent: lab-load\r\nAccept: */*\r\nX-A: b\r\n\r\n"
    )


def test_a_post_says_how_long_its_body_is() -> None:
    (endpoint,) = plan("http://[::1]", method="POST", body=b"{}").endpoints()
    assert (endpoint.host, endpoint.port) == ("::1", 80)
    assert endpoint.request.startswith(b"POST / HTTP/1.1\r\nHost: [::1]\r\n")
    assert endpoint.request.endswith(b"\r\nContent-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"urls": ()}, "at least one URL"),
        ({"urls": "http://a/"}, "a tuple"),
        ({"urls": ("https://a/",)}, "only http://"),
        ({"urls": ("a:80/",)}, "only http://"),
        ({"urls": ("http:///x",)}, "only http://"),
        ({"urls": ("http://a:99999/",)}, "[Pp]ort"),
        ({"urls": ("http://a:0/",)}, "port 0"),
        ({"urls": ("http://a..b/",)}, "label"),
        ({"urls": ("http://me:secret@a/",)}, "no user names"),
        ({"urls": ("http://a/b c",)}, "percent-encoded"),
        ({"rate": 0}, "rate must be a number above 0"),
        ({"rate": float("nan")}, "rate must be a number above 0"),
        ({"duration": float("inf")}, "duration must be"),
        ({"timeout": -1}, "timeout must be"),
        ({"arrivals": "bursty"}, "constant or poisson"),
        ({"method": "PUT"}, "GET or POST"),
        ({"body": b"x"}, "needs method POST"),
        ({"max_in_flight": 0}, "at least 1"),
        ({"headers": (("X", "a\r\nY: b"),)}, "control character"),
        ({"headers": (("X Y", "a"),)}, "not a header name"),
        ({"headers": (("Content-Length", "3"),)}, "set by the generator"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_with_a_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        plan(**changes)
