"""Answers of the load balancer's own, as values: ALB's small HTML pages, fixed responses, redirects.

Pure. The pages look as AWS's do (widely observed, not documented). How an answer is written depends on the client's protocol:
`http1` writes it for HTTP/1.1.
"""

from typing import NamedTuple

from lab.core.elbv2.rules import FixedResponse

REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    401: "Authorization Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Not Allowed",
    408: "Request Time-out",
    414: "Request-URI Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
    505: "HTTP Version Not Supported",
    507: "Insufficient Storage",
}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
SERVER = "awselb/2.0"


class Answer(NamedTuple):
    """`fields` are what only this answer has, besides Server, Date, Content-Type, Content-Length."""

    status: int
    content_type: str
    body: bytes
    fields: tuple[tuple[str, str], ...] = ()


def error_page(status: int) -> Answer:
    title = f"{status} {REASONS.get(status, '')}".strip()
    return Answer(status, "text/html", _page(title))


def fixed_response(action: FixedResponse) -> Answer:
    return Answer(action.status_code, f"{action.content_type}; charset=utf-8", action.body.encode())


def redirect(status: int, location: str) -> Answer:
    title = f"{status} {REASONS[status]}"
    return Answer(status, "text/html", _page(title), (("Location", location),))


def _page(title: str) -> bytes:
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n"
        f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def http1(
    answer: Answer,
    *,
    date: str,
    head_only: bool,
    keep_alive: bool,
    server: bool,
    more: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """The whole answer. `date` is the value of the Date field; `more` are fields that the listener adds."""
    pairs = [
        *((("Server", SERVER),) if server else ()),
        ("Date", date),
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("Connection", "keep-alive" if keep_alive else "close"),
        *answer.fields,
        *more,
    ]
    head = f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, '')}\r\n"
    text = head + "".join(f"{name}: {value}\r\n" for name, value in pairs) + "\r\n"
    return text.encode("latin-1", "replace") + (b"" if head_only else answer.body)
