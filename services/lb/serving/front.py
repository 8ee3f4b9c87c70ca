"""A listener of the configuration in force: all that a request which came in through it needs to know, compiled."""

from lab.core.elbv2.config import Listener, LoadBalancerConfig
from services.lb.http1.forwarding import HeadWriter
from services.lb.routing.table import ListenerRules, Route
from services.lb.tls.facts import reserved_names

_NONE: frozenset[bytes] = frozenset()


class Front:
    """`only` is the route when there is but the default rule; else ask `rules`. `renamed` maps AWS's names of TLS fields, in
    lower case, to the listener's; `reserved` are the new names, which no client may use. `response_names` are the names, in
    lower case, of the fields that the listener sets in every answer, and `response_lines` those fields, each after a CRLF."""

    __slots__ = (
        "desync_mode",
        "only",
        "renamed",
        "reserved",
        "response_fields",
        "response_lines",
        "response_names",
        "rules",
        "server_header",
        "tls_headers",
        "writer",
    )

    def __init__(self, config: LoadBalancerConfig, listener: Listener, rules: ListenerRules) -> None:
        attributes = config.attributes
        self.rules = rules
        self.only: Route | None = rules.only
        self.writer = HeadWriter(attributes, listener.port, config.dns_name.encode("ascii"))
        self.desync_mode = attributes.desync_mode
        self.tls_headers = attributes.tls_headers
        self.server_header = listener.server_header
        self.renamed = {name.lower(): new for name, new in listener.renamed}
        self.reserved: frozenset[bytes] = reserved_names(self.renamed) if self.renamed else _NONE
        self.response_fields = listener.response_fields
        self.response_names = frozenset(name.lower().encode("latin-1") for name, _ in listener.response_fields)
        self.response_lines = "".join(f"\r\n{name}: {value}" for name, value in listener.response_fields).encode(
            "latin-1"
        )


def compile_fronts(config: LoadBalancerConfig, rules: dict[int, ListenerRules]) -> dict[int, Front]:
    """By port."""
    return {listener.port: Front(config, listener, rules[listener.port]) for listener in config.listeners}
