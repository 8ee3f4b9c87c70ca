"""What must hold of every row that was played, whatever was in it."""

from tests.lb.hostile.case import Case
from tests.lb.hostile.play import Answer, Played
from tests.lb.hostile.readers import READERS, End, fields
from tests.lb.hostile.recorder import tag

REFUSED_BY = {
    # methods that are not on its list
    "llhttp": {"method-lower", "method-custom", "method-trace-lower", "method-track", "size-method", "target-8bit"},
    "h11": {"target-8bit"},  # it wants targets in ASCII, as does llhttp
}
"""Rows that a reader refuses for what has nothing to do with framing."""


def check_answers(row: Case, played: Played) -> None:
    statuses = [answer.status for answer in played.answers]
    assert statuses == [*row.answers, *([200] if row.stays else [])]
    assert played.closed is not row.stays
    if row.stays:
        assert played.answers[-1].target == b"/last"
    assert played.honest == (Answer(200, b"/honest"),)
    assert played.seen == tuple(
        answer.target for answer in (*played.answers, *played.honest) if answer.target is not None
    )


def check_origin(row: Case, played: Played) -> None:
    whole_ones = [READERS["strict"](raw) for raw in played.origin]
    assert [tag(request.target) for reading in whole_ones for request in reading.requests] == list(played.seen)
    for raw, strict in zip(played.origin, whole_ones, strict=True):
        for name, reader in READERS.items():
            if row.name not in REFUSED_BY.get(name, ()):
                assert reader(raw) == strict, name
        assert strict.end is not End.BROKEN
        if strict.end is End.PARTIAL:
            assert played.answers[-1].status != 200 or row.unfinished
        check_vouched(raw, len(strict.requests))


def check_vouched(raw: bytes, requests: int) -> None:
    """Every head on the connection carries what is the balancer's to say, once, and nothing that is for one hop only."""
    heads = [head for head in raw.split(b"\r\n\r\n") if b"X-Amzn-Trace-Id: " in head]
    assert len(heads) >= requests
    for head in heads:
        found = fields(head[head.rindex(b" HTTP/1.1\r\n") :]) if b" HTTP/1.1\r\n" in head else fields(head)
        values: dict[bytes, list[bytes]] = {}
        for name, value in found:
            values.setdefault(name, []).append(value)
        assert values[b"x-forwarded-proto"] == [b"http"]
        assert values[b"x-forwarded-port"] == [b"80"]
        [forwarded] = values[b"x-forwarded-for"]
        assert forwarded.rpartition(b", ")[2] == b"127.0.0.1"
        [trace] = values[b"x-amzn-trace-id"]
        assert trace.startswith((b"Root=1-", b"Self=1-"))
        assert len(values[b"host"]) == 1
        assert len(values.get(b"content-length", []) + values.get(b"transfer-encoding", [])) <= 1
        assert not {b"keep-alive", b"te", b"proxy-connection", b"http2-settings"} & values.keys()
        assert b"100-continue" not in b"".join(values.get(b"expect", [])).lower().split(b" ")[:1]
        assert values.get(b"connection", []) in ([], [b"keep-alive"], [b"Upgrade"])
        assert (b"upgrade" in values) is (values.get(b"connection") == [b"Upgrade"])
        assert values.get(b"upgrade", [b"websocket"]) == [b"websocket"]
