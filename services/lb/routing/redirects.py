"""Redirect actions: where the client is sent (alb:rule-action-types, bc:elbv2.RedirectActionConfig). Pure.

`#{protocol}`, `#{host}`, `#{port}`, `#{path}` (without its leading slash) and `#{query}` stand for parts of the request, as the
client sent them. The Location always names the port, also the protocol's own (`https://example.com:443/`), as a live ALB's
does; an empty query leaves no `?`. A Location of more than 8 K is not sent: 507 (alb:load-balancer-troubleshooting).
"""

import re

from lab.core.elbv2.rules import Redirect
from services.lb.routing.uri import host_name, origin_form

LOCATION_BYTES = 8192
_KEYWORD = re.compile(r"#\{(protocol|host|port|path|query)\}")


class Template:
    """A part of a Redirect: literal texts, and between them the names of what is put in."""

    __slots__ = ("_keywords", "_texts")

    def __init__(self, text: str) -> None:
        pieces = _KEYWORD.split(text)
        self._texts = [piece.encode() for piece in pieces[::2]]
        self._keywords = pieces[1::2]

    def filled(self, values: dict[str, bytes]) -> bytes:
        text = self._texts[0]
        for index, keyword in enumerate(self._keywords):
            text += values[keyword] + self._texts[index + 1]
        return text


class Redirection:
    """A compiled Redirect. `status` is 301 or 302."""

    __slots__ = ("_host", "_path", "_port", "_protocol", "_query", "status")

    def __init__(self, action: Redirect) -> None:
        self.status = action.status_code
        self._protocol = Template(action.protocol)
        self._host = Template(action.host)
        self._port = Template(action.port)
        self._path = Template(action.path)
        self._query = Template(action.query)

    def location(self, protocol: bytes, host: bytes, port: int, target: bytes) -> bytes | None:
        """The Location; None when it is too long to be sent. `protocol` is http or https, `host` the Host field's value (the
        load balancer's DNS name where there is none), `port` the listener's, `target` the request's."""
        path, _, query = origin_form(target).partition(b"?")
        values = {
            "protocol": protocol,
            "host": host_name(host),
            "port": b"%d" % port,
            "path": path[1:],
            "query": query,
        }
        location = b"%b://%b:%b%b" % (
            self._protocol.filled(values).lower(),
            self._host.filled(values),
            self._port.filled(values),
            self._path.filled(values),
        )
        query = self._query.filled(values)
        if query:
            location += b"?" + query
        return location if len(location) <= LOCATION_BYTES else None
