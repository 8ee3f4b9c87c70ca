"""Answers the load balancer writes itself: ALB's small HTML pages and fixed responses, with `Server: awselb/2.0`.

Pure: values in, bytes out. The pages look as AWS's do (widely observed, not documented).
"""

from lab.core.elbv2.rules import FixedResponse

REASONS = {
    200: "OK",
    404: "Not Found",
    400: "Bad Request",
    405: "Method Not Allowed",
    408: "Request Time-out",
    414: "Request-URI Too Large",
    463: "",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
    505: "HTTP Version Not Supported",
}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def error_page(status: int, *, date: str, head_only: bool, keep_alive: bool) -> bytes:
    """The whole answer for an error. `date` is the value of the Date field."""
    title = f"{status} {REASONS.get(status, '')}".strip()
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n"
        f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return _answer(title, "text/html", page.encode(), date, head_only, keep_alive)


def fixed_response(action: FixedResponse, *, date: str, head_only: bool, keep_alive: bool) -> bytes:
    """The whole answer of a listener's fixed-response action."""
    status = f"{action.status_code} {REASONS.get(action.status_code, '')}"
    return _answer(status, action.content_type, action.body.encode(), date, head_only, keep_alive)


def _answer(status: str, content_type: str, body: bytes, date: str, head_only: bool, keep_alive: bool) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nServer: awselb/2.0\r\nDate: {date}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    return head.encode("latin-1") + (b"" if head_only else body)
