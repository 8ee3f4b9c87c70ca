"""What is asked of a balancer. A head is the exact bytes that go out, so that all balancers read the same."""

from dataclasses import dataclass

from bench.certificate import HOST
from bench.nginx import FILES, SMALL_BYTES

NUMBER = "@NUMBER@"
"""Stands in a head for digits that no other request has."""
POST_BYTES = 1024

_HOST = f"Host: {HOST}"

_BROWSER = (
    _HOST,
    "Connection: keep-alive",
    "Cache-Control: max-age=0",
    'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Linux"',
    "Upgrade-Insecure-Requests: 1",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Referer: https://www.example.com/catalogue/garden/tools?page=2&sort=price",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.7",
    "Cookie: session=6f1d2c3b4a59687f; theme=dark; _ga=GA1.1.1234567890.1700000000; consent=necessary",
)
_UNIQUE = (
    *(line for line in _BROWSER if not line.startswith(("Referer", "Cookie"))),
    f"Referer: https://www.example.com/catalogue/garden/tools?page={NUMBER}&sort=price",
    f"Cookie: session={NUMBER}; theme=dark; _ga=GA1.1.1234567890.1700000000; consent=necessary",
    f"X-Request-Id: {NUMBER}",
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Requests one after the other on each of some connections. `request` is what is sent, whole; `body_bytes` is the length
    of the body that must come back. With `handshakes` each request has a connection of its own, with a whole TLS handshake,
    and its head is the load generator's."""

    name: str
    title: str
    path: str
    request: str
    body_bytes: int
    tls: bool = False
    handshakes: bool = False


@dataclass(frozen=True, slots=True)
class Idle:
    """`count` connections that have had one answer each, and stay."""

    name: str
    title: str
    count: int
    tls: bool = False


def _get(name: str, title: str, path: str, *fields: str, tls: bool = False, handshakes: bool = False) -> Scenario:
    resource = path.partition("?")[0]
    head = "\r\n".join((f"GET {path} HTTP/1.1", *fields, "", ""))
    return Scenario(name, title, resource, head, FILES.get(resource, SMALL_BYTES), tls, handshakes)


def _post(name: str, title: str, path: str, size: int) -> Scenario:
    fields = (_HOST, "Content-Type: text/plain", f"Content-Length: {size}")
    head = "\r\n".join((f"POST {path} HTTP/1.1", *fields, "", ""))
    return Scenario(name, title, path, head + "x" * size, SMALL_BYTES)


SCENARIOS = (
    _get("small", "small head, 100 B body", "/small", _HOST),
    _get("browser", "browser's head, 13 fields", "/small", *_BROWSER),
    _get("unique", "14 fields, 3 + URL unique", f"/small?n={NUMBER}", *_UNIQUE),
    _post("post", "POST of 1 KB", "/small", POST_BYTES),
    _get("10k", "10 KB body", "/10k", _HOST),
    _get("1m", "1 MB body", "/1m", _HOST),
    _get("tls", "TLS keep-alive, small head", "/small", _HOST, tls=True),
    _get("connect", "new connection per request", "/small", _HOST, "Connection: close"),
    _get("handshake", "TLS handshake per request", "/small", tls=True, handshakes=True),
)
IDLE = (
    Idle("idle", "idle connection, KB", 2000),
    Idle("idle-tls", "idle TLS connection, KB", 500, tls=True),
)
NAMES = tuple(one.name for one in (*SCENARIOS, *IDLE))
