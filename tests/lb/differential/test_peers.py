"""The corpus through nginx and HAProxy: what either of them refuses the node refuses too, but for what AWS's table of desync
classes lets through and the exceptions below. Their results are the machine's; they are printed by `tests.lb.differential`."""

import os

import pytest

from bench.processes import UnavailableError
from tests.lb.differential.peers import Done, run_peers
from tests.lb.hostile.case import Case, Tier
from tests.lb.hostile.corpus import REQUESTS

EXCEPTIONS = {
    "cl-padded": "white space around a value is white space (RFC 9112 section 5); nginx takes no tab",
    "te-padded": "likewise",
    "options-cl": "nginx knows no `*`",
    "star-options": "nginx knows no `*`",
    "te-identity": "an ALB takes chunked and identity (alb:load-balancer-troubleshooting, 501); identity is not forwarded",
    "te-identity-body": "likewise; what follows is the next request, and none",
    "te-twice-identity": "likewise; only chunked is forwarded",
    "te-twice-identity-first": "likewise",
    "target-8bit": "an ALB's engine has no objection to bytes above 127 in a target",
    "target-nul-encoded": "targets are forwarded as they come; nginx decodes them, to find a location",
    "target-percent-broken": "likewise",
    "target-dots": "likewise",
    "target-fragment": "likewise; HAProxy refuses `#`",
    "absolute-other-host": "the target's authority counts and is the Host that is forwarded (RFC 9112 section 3.2.2)",
    "absolute-query": "likewise",
    "host-empty": "an empty Host is allowed (RFC 9112 section 3.2); an ALB's rules look at it like at any other",
    "size-line-16k": "limits are an ALB's: line and field 16 K, head 64 K (alb:load-balancer-limits)",
    "size-field-16k": "likewise",
    "size-5000-fields": "likewise",
    "method-lower": "an ALB matches custom methods; nginx wants capitals",
    "method-trace-lower": "`trace` is not TRACE: methods are case-sensitive",
    "upgrade-list": "the node drops what it does not pass on; HAProxy wants a WebSocket key",
    "upgrade-refused": "a WebSocket handshake without a key is the target's to refuse",
    "expect-twice": "saying it twice says it once",
}
"""Rows of no class that a peer refuses and the node serves."""


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Done]]:
    try:
        return run_peers(REQUESTS, tmp_path_factory.mktemp("peers"))
    except UnavailableError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("row", REQUESTS, ids=str)
def test_what_a_peer_refuses_the_node_refuses(peers: dict[str, dict[str, Done]], row: Case) -> None:
    assert len(peers) == 2
    served_by_class = Tier.COMPLIANT < row.desync.tier < Tier.SEVERE
    if 200 in row.answers and not served_by_class and row.name not in EXCEPTIONS:
        assert [name for name, done in peers.items() if done[row.name].refused] == []


def test_the_peers_work_at_all(peers: dict[str, dict[str, Done]]) -> None:
    for done in peers.values():
        assert done["plain"] == Done((200,), 1)
        assert done["pipelined"] == Done((200, 200), 2)
        assert done["cl-plus"] == Done((400,), 0)


def test_each_exception_is_a_row_the_node_serves() -> None:
    served = {row.name for row in REQUESTS if 200 in row.answers and row.desync.tier is Tier.COMPLIANT}
    assert EXCEPTIONS.keys() <= served
