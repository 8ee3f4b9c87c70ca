"""What to send, where, how fast and for how long: a checked value. It knows nothing of sockets."""

import math
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from lab.load.schedule import Arrivals, steady
from lab.load.trace import Trace

Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one of the plan's URLs leads: the address to dial and the bytes to send there."""

    url: str
    host: str
    port: int
    request: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of load. Raises ValueError, with what to change, when the values make no sense.

    `urls`: `http://host:port/path`; with several, requests alternate over them as a browser does with two DNS answers.
    `failover` sends a request whose connection could not be made to the next URL. `rate` is in requests per second, steady
    or over time, `duration`, `timeout` (a whole request), `connect_timeout` and `slow` (what an answer may take before it
    counts as slow) in seconds. `headers` are added to, or replace, Host. `max_in_flight` bounds the requests not yet
    answered; an arrival above it is counted as shed, not sent. `retries` is how often a request that got no answer, or one
    from 500 up, is sent again at once, as impatient clients do: each is a request of its own. `seed` makes Poisson
    arrivals repeatable.
    """

    urls: tuple[str, ...]
    rate: float | Trace
    duration: float
    arrivals: Arrivals = "constant"
    timeout: float = 10.0
    connect_timeout: float = 3.0
    method: Method = "GET"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    max_in_flight: int = 1000
    seed: int = 0
    failover: bool = False
    slow: float = 1.0
    retries: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.urls, str) or not self.urls:
            raise ValueError("urls must be a tuple of at least one URL")
        for name in ("rate", "duration", "timeout", "connect_timeout", "slow"):
            value = getattr(self, name)
            if not isinstance(value, Trace) and not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be a number above 0, not {value}")
        if self.load.requests(0.0, self.duration) <= 0:
            raise ValueError(f"the load {self.load.name} has no request within {self.duration:g} s")
        if self.retries < 0:
            raise ValueError(f"retries must be 0 or more, not {self.retries}")
        if self.arrivals not in get_args(Arrivals):
            raise ValueError(f"arrivals must be constant or poisson, not {self.arrivals!r}")
        if self.method not in get_args(Method):
            raise ValueError(f"method must be GET or POST, not {self.method!r}")
        if self.body and self.method == "GET":
            raise ValueError("a body needs method POST")
        if self.max_in_flight < 1:
            raise ValueError(f"max_in_flight must be at least 1, not {self.max_in_flight}")
        self.endpoints()

    @property
    def load(self) -> Trace:
        """Requests per second over time."""
        return self.rate if isinstance(self.rate, Trace) else steady(self.rate, self.duration)

    def endpoints(self) -> tuple[Endpoint, ...]:
        return tuple(self._endpoint(url) for url in self.urls)

    def _endpoint(self, url: str) -> Endpoint:
        if not url.isascii() or any(char <= " " or char == "\x7f" for char in url):
            raise ValueError(f"{url!r}: write spaces and non-ASCII characters percent-encoded")
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url!r}: only http://host:port/path is understood")
        if parts.username is not None:
            raise ValueError(f"{url!r}: no user names in URLs; send an Authorization header instead")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        parts.hostname.encode("idna")  # raises UnicodeError, a ValueError, where looking the name up would
        port = 80 if parts.port is None else parts.port  # urlsplit refuses what is no number below 65536
        if port == 0:
            raise ValueError(f"{url!r}: nothing listens on port 0")
        return Endpoint(url, parts.hostname, port, self._request(parts.netloc, path))

    def _request(self, host: str, path: str) -> bytes:
        fields = {"host": ("Host", host), "user-agent": ("User-Agent", "lab-load"), "accept": ("Accept", "*/*")}
        for name, value in self.headers:
            if not name or not name.replace("-", "").replace("_", "").isalnum() or not (name + value).isascii():
                raise ValueError(f"header {name!r}: not a header name and an ASCII value")
            if any(char < " " and char != "\t" for char in value):
                raise ValueError(f"header {name!r}: the value has a control character in it")
            if name.lower() in ("content-length", "transfer-encoding", "connection"):
                raise ValueError(f"header {name!r} is set by the generator itself")
            fields[name.lower()] = (name, value)
        if self.method == "POST":
            fields["content-length"] = ("Content-Length", str(len(self.body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.values())
        return f"{self.method} {path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + self.body
