"""What is asked of a balancer. A head is the exact bytes that go out, so that both balancers read the same."""

from dataclasses import dataclass

from bench.nginx import FILES, SMALL_BYTES

NUMBER = "@NUMBER@"
"""Stands in a head for digits that no other request has."""

_HOST = "Host: www.example.com"

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
    """`head` has everything up to the empty line. `body_bytes` is the length of the body that must come back."""

    name: str
    title: str
    path: str
    head: str
    body_bytes: int


def _scenario(name: str, title: str, path: str, *fields: str) -> Scenario:
    resource = path.partition("?")[0]
    head = "\r\n".join((f"GET {path} HTTP/1.1", *fields, "", ""))
    return Scenario(name, title, resource, head, FILES.get(resource, SMALL_BYTES))


SCENARIOS = (
    _scenario("small", "small head, 100 B body", "/small", _HOST),
    _scenario("browser", "browser's head, 13 fields", "/small", *_BROWSER),
    _scenario("unique", "14 fields, 3 + URL unique", f"/small?n={NUMBER}", *_UNIQUE),
    _scenario("10k", "small head, 10 KB body", "/10k", _HOST),
    _scenario("1m", "small head, 1 MB body", "/1m", _HOST),
    _scenario("connect", "new connection per request", "/small", _HOST, "Connection: close"),
)
