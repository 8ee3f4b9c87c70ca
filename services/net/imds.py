"""The instance metadata service (aws-facts §7.7), in the network of the one instance that it is about: nobody else can ask.

`respond` is the service: a request and what is known → an answer. `Service` is the socket around it.
"""

import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

ADDRESS, PORT = "169.254.169.254", 61680
"""Port 80 of the address is led to this one: the machine's own port 80 stays free."""
TOKEN_PATH = "/latest/api/token"
TOKEN = "x-aws-ec2-metadata-token"
TTL = TOKEN + "-ttl-seconds"
LONGEST = 21600
KNOWN_DATES = ("latest", "2021-07-15")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Tokens:
    """Sessions of version 2; `now` is in seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}

    def issue(self, seconds: int, now: float) -> str:
        self._ends = {token: end for token, end in self._ends.items() if end > now}
        token = secrets.token_urlsafe(40) + "=="
        self._ends[token] = now + seconds
        return token

    def left(self, token: str, now: float) -> int:
        """Seconds; 0 for one that is over, or is none of ours."""
        return max(0, int(self._ends.get(token, now) - now))


def respond(
    method: str, path: str, headers: Mapping[str, str], metadata: Mapping[str, Any] | None, tokens: Tokens, now: float
) -> Answer:
    """`headers` by lower-case names; `metadata` is the document's, None for a machine that has none."""
    if metadata is None or not metadata["enabled"]:
        return Answer(403)
    if path == TOKEN_PATH:
        return _token(method, headers, tokens, now)
    if method not in ("GET", "HEAD"):
        return Answer(405, headers={"Allow": "GET, HEAD"})
    known: dict[str, str] = {}
    if TOKEN in headers:
        left = tokens.left(headers[TOKEN], now)
        if left == 0:
            return Answer(401)
        known[TTL] = str(left)
    elif metadata["tokens_required"]:
        return Answer(401)
    body = find(metadata["tree"], path)
    return Answer(404) if body is None else Answer(200, body, known)


def _token(method: str, headers: Mapping[str, str], tokens: Tokens, now: float) -> Answer:
    if method != "PUT":
        return Answer(405, headers={"Allow": "OPTIONS, PUT"})
    if "x-forwarded-for" in headers:  # it came through a proxy: such a request is not the instance's own
        return Answer(403)
    ttl = headers.get(TTL, "")
    if not (ttl.isascii() and ttl.isdigit()) or not 1 <= int(ttl) <= LONGEST:
        return Answer(400)
    return Answer(200, tokens.issue(int(ttl), now), {TTL: ttl})


def find(tree: Mapping[str, str], path: str) -> str | None:
    """A leaf's text, or a directory's names, one a line; directories end with a slash."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        return "\n".join(KNOWN_DATES)
    if parts[0] not in KNOWN_DATES:
        return None
    name = "/".join(parts[1:])
    if name in tree:
        return tree[name]
    start = name + "/" if name else ""
    names = {
        one[len(start) :].partition("/")[0] + ("/" if "/" in one[len(start) :] else "")
        for one in tree
        if one.startswith(start)
    }
    return "\n".join(sorted(name for name in names if name + "/" not in names)) if names else None


class _Server(ThreadingTCPServer):
    """Not http.server's own: that one asks DNS for its address's name first, and where nobody answers it waits for seconds."""

    allow_reuse_address = daemon_threads = True


class Service:
    """Serves what `metadata` is at the moment. `start` it once the address is there. `clock` never goes back, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.metadata: Mapping[str, Any] | None = None
        self._tokens = Tokens()
        self._started = False

    def start(self) -> None:
        if self._started:
            return
        self._started = True
        server = _Server((ADDRESS, PORT), self._handler())
        threading.Thread(target=server.serve_forever, name="imds", daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            server_version, sys_version = "EC2ws", ""

            def answer(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = respond(self.command, self.path, headers, service.metadata, service._tokens, service._clock())
                body = (answer.body or ("" if answer.status == 200 else HTTPStatus(answer.status).phrase)).encode()
                if self.command == "PUT" and service.metadata is not None:
                    self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(service.metadata["hop_limit"]))
                self.send_response(answer.status)
                for name, value in {"Content-Type": "text/plain", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = answer  # noqa: N815 - http.server's names

            def log_message(self, format: str, *arguments: object) -> None:
                """The standard output is the control plane's."""

        return Handler
