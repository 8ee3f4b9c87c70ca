"""An access log entry as ALB's line of 34 fields (alb:load-balancer-access-logs).

    http 2018-07-02T22:23:00.186641Z app/web/50dc… 10.0.0.9:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366
    "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:…:targetgroup/… "Root=1-…" "-" "-" 0
    2018-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_… "-" "-" "-" 10.0.0.5

Observed, not documented: the creation time has milliseconds; a request that could not be read is `- http://NAME:80- -` with
the load balancer's own DNS name, and its rule is `-`.

`line` makes a line of an entry, whatever a client sent; `joined` is what it ends in, and the hot path's way, which has the
pieces of an ordinary request at hand (services.lb.serving.record).
"""

from typing import Final

from services.lb.logs.entry import NO_RULE, Entry
from services.lb.logs.text import SECONDS, Stamps, cut, escaped, seconds, word

AGENT_BYTES: Final = 8192
_REMEMBERED: Final = 1024
_REMEMBERED_BYTES: Final = 512
CODES: Final = (b"-", *(b"%03d" % number for number in range(1, 1000)))
PRIORITIES: Final = tuple(b"%d" % number for number in range(1000))
SIZES: Final = tuple(b" %d" % number for number in range(2048))
SAME_CODES: Final = tuple(b" %b %b" % (code, code) for code in CODES)

# Pieces of the line of a request with nothing out of the ordinary.
HTTP_1_1: Final = b' HTTP/1.1" "'
FORWARDED: Final = b'000Z "forward" "-" "-" "'
NO_CLASS: Final = b'" "-" "-" '


class AccessLines:
    """For one load balancer on one node. `offset` is what turns monotonic into wall seconds; its owner keeps it right."""

    __slots__ = (
        "_agents",
        "_begun",
        "_begun_text",
        "_dns_name",
        "_elb",
        "_ended",
        "_ended_text",
        "_node",
        "_origins",
        "_stamps",
        "not_transformed",
        "offset",
    )  # fmt: skip

    def __init__(self, elb: bytes, dns_name: bytes, node: bytes, offset: float) -> None:
        """`elb` is `app/NAME/ID`, `node` the node's address."""
        self.offset = offset
        self._dns_name = dns_name
        self._elb = b" " + elb + b" "
        self._node = node + b"\n"
        self.not_transformed = b' "-" "-" "-" ' + self._node
        self._stamps = Stamps()
        # The requests of a batch share their times, and what is the same for most is put together once. All is bounded.
        self._ended = self._begun = -1.0
        self._ended_text = self._begun_text = b""
        self._origins: dict[tuple[bytes, bytes, int], bytes] = {}
        self._agents: dict[tuple[bytes, bytes], bytes] = {}

    def line(self, entry: Entry) -> bytes:
        """The line with its end. Raises nothing for any bytes in the entry."""
        (
            kind, created, ended, client, target, request_seconds, target_seconds, response_seconds, elb_status,
            target_status, received, sent, request, scheme, host, port, agent, tls_cipher, tls_protocol, sni,
            certificate_arn, group_arn, trace_id, priority, actions, redirect_url, error_reason, classification,
            classification_reason, connection_id, transformed_host, transformed_uri, transform_status,
        ) = entry  # fmt: skip
        if request:
            method, _, rest = escaped(request).partition(b" ")
            uri, _, version = rest.rpartition(b" ")
            if not uri.startswith(b"/"):
                uri, version = _odd(rest)
        else:
            method, uri, version = b"-", b"-", b"-"
        return self.joined(
            kind, created, ended, client, target or b"-", request_seconds, target_seconds, response_seconds, elb_status,
            target_status, received, sent, method, self.origin(scheme, host, port), uri, b" " + version + b'" "',
            self.agent(agent, tls_words(tls_cipher, tls_protocol)), group_words(group_arn), escaped(trace_id) or b"-",
            name_words(sni, certificate_arn), priority,
            b'000Z "%b" "%b" "%b" "' % (actions or b"-", escaped(redirect_url) or b"-", error_reason or b"-"),
            b'" "%b" "%b" ' % (classification or b"-", classification_reason or b"-"),
            connection_id or b"-",
            b' "%b" "%b" "%b" ' % (word(transformed_host), word(transformed_uri), transform_status) + self._node
            if transform_status else self.not_transformed,
        )  # fmt: skip

    def joined(
        self,
        kind: bytes,
        created: float,
        ended: float,
        client: bytes,
        target: bytes,
        request_seconds: float,
        target_seconds: float,
        response_seconds: float,
        elb_status: int,
        target_status: int,
        received: int,
        sent: int,
        method: bytes,
        origin: bytes,
        uri: bytes,
        version: bytes,
        agent: bytes,
        group: bytes,
        trace_id: bytes,
        names: bytes,
        priority: int,
        outcome: bytes,
        classes: bytes,
        connection_id: bytes,
        transformed: bytes,
    ) -> bytes:
        """A line of pieces that stand in it as they are, quotes and spaces included: `version` is up to the agent, `agent` up
        to the `group`, that up to the trace id; `names` up to the priority, `outcome` from the creation time's last digits up
        to the target, `classes` all between the target's status and the connection, `transformed` from there to the end."""
        wall = ended + self.offset
        if wall != self._ended:
            self._ended = wall
            self._ended_text = b" " + self._stamps.micros(wall) + self._elb
        wall = created + self.offset
        if wall != self._begun:
            self._begun = wall
            self._begun_text = b" " + self._stamps.millis(wall)
        return b"".join(
            (
                kind, self._ended_text, client, b" ", target,
                b" 0.000" if request_seconds == 0.0 else seconds(request_seconds),
                SECONDS[int(target_seconds * 1e3 + 0.5)] if 0.0 <= target_seconds < 1.0 else seconds(target_seconds),
                b" 0.000" if response_seconds == 0.0 else seconds(response_seconds),
                SAME_CODES[target_status] if elb_status == target_status
                else b" %b %b" % (CODES[elb_status], CODES[target_status]),
                SIZES[received] if received < 2048 else b" %d" % received,
                SIZES[sent] if sent < 2048 else b" %d" % sent,
                b' "', method, b" ", origin, uri, version, agent, group, trace_id, names,
                PRIORITIES[priority] if 0 <= priority < 1000 else _priority(priority),
                self._begun_text, outcome, target, b'" "', CODES[target_status], classes, connection_id,
                transformed,
            )
        )  # fmt: skip

    def origin(self, scheme: bytes, host: bytes, port: int) -> bytes:
        """`http://www.example.com:80`: the host without a port of its own, the listener's port always."""
        known = self._origins.get((scheme, host, port))
        if known is not None:
            return known
        if len(self._origins) >= _REMEMBERED:
            self._origins.clear()
        name, colon, digits = host.rpartition(b":")
        bare = name if colon and digits.isdigit() and not name.endswith(b":") else host
        made = b"%b://%b:%d" % (scheme, word(bare) if bare else self._dns_name, port)
        if len(host) <= _REMEMBERED_BYTES:
            self._origins[(scheme, host, port)] = made
        return made

    def agent(self, agent: bytes, tls: bytes) -> bytes:
        """As it stands in a line, and `tls` after it."""
        known = self._agents.get((agent, tls))
        if known is not None:
            return known
        if len(self._agents) >= _REMEMBERED:
            self._agents.clear()
        made = (cut(escaped(agent[:AGENT_BYTES]), AGENT_BYTES) or b"-") + tls
        if len(agent) <= _REMEMBERED_BYTES:
            self._agents[(agent, tls)] = made
        return made


def tls_words(cipher: bytes, protocol: bytes) -> bytes:
    """From the agent's end to the target group; both are empty without TLS."""
    return b'" %b %b ' % (cipher or b"-", protocol or b"-")


def group_words(arn: bytes) -> bytes:
    """From the target group to the trace id."""
    return (arn or b"-") + b' "'


def name_words(server_name: bytes, certificate_arn: bytes) -> bytes:
    """From the trace id's end to the rule. The name is the client's to choose."""
    return b'" "%b" "%b" ' % (escaped(server_name) or b"-", certificate_arn or b"-")


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
