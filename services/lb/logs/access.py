"""An access log entry as ALB's line of 34 fields (alb:load-balancer-access-logs).

    http 2018-07-02T22:23:00.186641Z app/web/50dc… 10.0.0.9:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366
    "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:…:targetgroup/… "Root=1-…" "-" "-" 0
    2018-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_… "-" "-" "-" 10.0.0.5

Observed, not documented: the creation time has milliseconds; a request that could not be read is `- http://NAME:80- -` with
the load balancer's own DNS name, and its rule is `-`.

What a client sent is looked at once, all of it together; only a line in which something must be escaped is made the long way.
"""

from typing import Final

from services.lb.logs.entry import NO_RULE, Entry
from services.lb.logs.text import MILLIS, PLAIN, SECONDS, Stamps, cut, escaped, seconds, word

AGENT_BYTES: Final = 8192
_REMEMBERED: Final = 1024
_REMEMBERED_BYTES: Final = 512
STATUSES: Final = tuple(b" %03d" % number for number in range(1000))
PRIORITIES: Final = tuple(b"%d" % number for number in range(1000))


class AccessLines:
    """For one load balancer on one node. `offset` is what turns monotonic into wall seconds; its owner keeps it right."""

    __slots__ = (
        "_agents", "_dns_name", "_elb", "_ends", "_middles", "_node", "_origins", "_second", "_stamp", "_stamps", "offset",
    )  # fmt: skip

    def __init__(self, elb: bytes, dns_name: bytes, node: bytes, offset: float) -> None:
        """`elb` is `app/NAME/ID`, `node` the node's address."""
        self.offset = offset
        self._dns_name = dns_name
        self._elb = b"Z " + elb + b" "
        self._node = node
        self._stamps = Stamps()
        self._second = 0
        self._stamp = self._stamps.prefix(0)
        # What is the same for most requests is put together once. All are bounded.
        self._origins: dict[tuple[bytes, bytes, int], bytes] = {}
        self._agents: dict[bytes, bytes] = {}
        self._middles: dict[tuple[bytes, bytes, bytes], bytes] = {}
        self._ends: dict[tuple[bytes, bytes, bytes, int, bytes, bytes], bytes] = {}

    def line(self, entry: Entry) -> bytes:
        """The line with its end. Raises nothing for any bytes in the entry."""
        (
            kind, created, ended, client, target, request_seconds, target_seconds, response_seconds, elb_status,
            target_status, received, sent, request, scheme, host, port, agent, tls_cipher, tls_protocol, sni,
            certificate_arn, group_arn, trace_id, priority, actions, redirect_url, error_reason, classification,
            classification_reason, connection_id, transformed_host, transformed_uri, transform_status,
        ) = entry  # fmt: skip
        if (request + trace_id + sni).translate(None, PLAIN):
            request, trace_id, sni = escaped(request), escaped(trace_id), escaped(sni)
        wall = ended + self.offset
        second = int(wall)
        micro = int((wall - second) * 1e6)
        if second != self._second:
            self._second, self._stamp = second, self._stamps.prefix(second)
        wall = created + self.offset
        begun = int(wall)
        milli = int((wall - begun) * 1e3)
        origin = self._origins.get((scheme, host, port))
        if origin is None:
            origin = self._origin(scheme, host, port)
        shown = self._agents.get(agent)
        if shown is None:
            shown = self._agent(agent)
        middle = self._middles.get((tls_cipher, tls_protocol, group_arn))
        if middle is None:
            middle = self._middle(tls_cipher, tls_protocol, group_arn)
        end = self._ends.get((actions, error_reason, target, target_status, classification, classification_reason))
        if end is None or redirect_url:
            end = self._end(
                actions, redirect_url, error_reason, target, target_status, classification, classification_reason
            )
        if request:
            method, _, rest = request.partition(b" ")
            uri, _, version = rest.rpartition(b" ")
            if not uri.startswith(b"/"):
                uri, version = _odd(rest)
        else:
            method, uri, version = b"-", b"-", b"-"
        return b"".join(
            (
                kind, b" ", self._stamp, MILLIS[micro // 1000], MILLIS[micro % 1000], self._elb,
                client, b" ", target or b"-",
                SECONDS[int(request_seconds * 1e3 + 0.5)] if 0.0 <= request_seconds < 1.0 else seconds(request_seconds),
                SECONDS[int(target_seconds * 1e3 + 0.5)] if 0.0 <= target_seconds < 1.0 else seconds(target_seconds),
                SECONDS[int(response_seconds * 1e3 + 0.5)] if 0.0 <= response_seconds < 1.0 else seconds(response_seconds),
                STATUSES[elb_status], STATUSES[target_status] if target_status else b" -",
                b' %d %d "' % (received, sent), method, b" ", origin, uri, b" ", version, b'" "', shown, middle,
                trace_id or b"-", b'" "', sni or b"-", b'" "', certificate_arn or b"-", b'" ',
                PRIORITIES[priority] if 0 <= priority < 1000 else _priority(priority), b" ",
                self._stamp if begun == second else self._stamps.prefix(begun), MILLIS[milli], b'000Z "',
                end, connection_id or b"-",
                self._transformed(transformed_host, transformed_uri, transform_status)
                if transform_status else b' "-" "-" "-" ',
                self._node, b"\n",
            )
        )  # fmt: skip

    def _origin(self, scheme: bytes, host: bytes, port: int) -> bytes:
        """`http://www.example.com:80`: the host without a port of its own, the listener's port always."""
        if len(self._origins) >= _REMEMBERED:
            self._origins.clear()
        name, colon, digits = host.rpartition(b":")
        bare = name if colon and digits.isdigit() and not name.endswith(b":") else host
        made = b"%b://%b:%d" % (scheme, word(bare) if bare else self._dns_name, port)
        if len(host) <= _REMEMBERED_BYTES:
            self._origins[(scheme, host, port)] = made
        return made

    def _middle(self, tls_cipher: bytes, tls_protocol: bytes, group_arn: bytes) -> bytes:
        if len(self._middles) >= _REMEMBERED:
            self._middles.clear()
        made = b'" %b %b %b "' % (tls_cipher or b"-", tls_protocol or b"-", group_arn or b"-")
        self._middles[(tls_cipher, tls_protocol, group_arn)] = made
        return made

    def _end(
        self,
        actions: bytes,
        redirect_url: bytes,
        error_reason: bytes,
        target: bytes,
        target_status: int,
        classification: bytes,
        classification_reason: bytes,
    ) -> bytes:
        """Fields 23 to 29. Remembered unless they hold a URL, of which there may be any number."""
        made = b'%b" "%b" "%b" "%b" "%b" "%b" "%b" ' % (
            actions or b"-",
            escaped(redirect_url) or b"-",
            error_reason or b"-",
            target or b"-",
            STATUSES[target_status][1:] if target_status else b"-",
            classification or b"-",
            classification_reason or b"-",
        )
        if not redirect_url:
            if len(self._ends) >= _REMEMBERED:
                self._ends.clear()
            key = (actions, error_reason, target, target_status, classification, classification_reason)
            self._ends[key] = made
        return made

    def _transformed(self, host: bytes, uri: bytes, status: bytes) -> bytes:
        return b' "%b" "%b" "%b" ' % (word(host), word(uri), status)

    def _agent(self, agent: bytes) -> bytes:
        if len(self._agents) >= _REMEMBERED:
            self._agents.clear()
        made = cut(escaped(agent[:AGENT_BYTES]), AGENT_BYTES) or b"-"
        if len(agent) <= _REMEMBERED_BYTES:
            self._agents[agent] = made
        return made


def _odd(rest: bytes) -> tuple[bytes, bytes]:
    """(what follows the origin, the version) of a request line whose target is no path: the absolute form loses its own
    origin; `*`, and a line without a version (HTTP/0.9) or without a target, stay recognisable."""
    uri, _, version = rest.rpartition(b" ")
    if not uri:
        uri, version = version, b"-"
    scheme, _, after = uri.partition(b"://")
    if after and scheme.isalpha():
        return (b"/" + after.partition(b"/")[2], version)
    return (uri or b"-", version)


def _priority(priority: int) -> bytes:
    return b"-" if priority <= NO_RULE else b"%d" % priority
