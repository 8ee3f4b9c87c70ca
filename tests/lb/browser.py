"""What the tests of sessions share: a client that keeps cookies, and target groups that set them."""

import re
from typing import Any

from lab.core.elbv2.config import Stickiness
from services.lb.routing.forward import Choice
from tests.lb.balancing import Bench, document, group, target

OTHER = "arn:other"
WALL = 1_700_000_000.0
LB = Stickiness(3600.0)
APP = Stickiness(3600.0, app=True, cookie="JSESSIONID")
PLAIN_ANSWER = b"HTTP/1.1 200 OK"
APP_ANSWER = b"HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=abc; Path=/"


class Browser:
    """Keeps cookies by name, as a browser does; `wall` is its time of day and the node's."""

    def __init__(self, lab: Bench, rule: int = 0) -> None:
        self.lab = lab
        self.rule = rule
        self.cookies: dict[bytes, bytes] = {}
        self.wall = WALL
        self.lines: list[bytes] = []

    def head(self, extra: bytes = b"") -> bytes:
        cookies = b"; ".join(b"%b=%b" % pair for pair in self.cookies.items())
        return b"GET / HTTP/1.1\r\nHost: a" + extra + (b"\r\nCookie: " + cookies if cookies else b"")

    def ask(self, answer: bytes = PLAIN_ANSWER, extra: bytes = b"") -> Choice:
        assert self.lab.table is not None
        route = self.lab.table.listeners[80].routes[self.rule]
        assert route.forward is not None
        choice = route.forward.choose(self.head(extra), self.lab.now, self.wall)
        self.lines = (choice.set_cookies(answer) + answer[15:]).split(b"\r\n")[1:]
        for line in self.lines:
            match = re.match(rb"Set-Cookie: ([^=]+)=([^;]*)", line)
            assert match is not None
            self.cookies[match[1]] = match[2]
        return choice

    def target(self, answer: bytes = PLAIN_ANSWER) -> str | None:
        found = self.ask(answer).target
        return found.id if found is not None else None


def bench(*numbers: int, stickiness: Stickiness | None = LB, **changes: Any) -> Bench:
    lab = Bench()
    lab.load(document(group(*(target(number) for number in numbers), stickiness=stickiness), **changes))
    lab.health(*numbers)
    return lab
