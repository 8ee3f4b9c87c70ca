"""What must hold of the pure parsers, whatever they are given. Each function takes any bytes and raises only when it does not.

A head that is accepted is forwarded; so what is written for the target is read again, by the parser itself and by other
people's, and must mean the same to all of them. How bytes are cut must change nothing.
"""

from lab.core.elbv2.config import Attributes
from services.lb.http1.chunked import ChunkedBody
from services.lb.http1.forwarding import HeadWriter, trace_value
from services.lb.http1.framing import CHUNKED, LENGTH, REQUEST_HEAD_BYTES, RESPONSE_HEAD_BYTES
from services.lb.http1.request_head import parse_next, parse_request, unfinished_request
from services.lb.http1.request_line import Request
from services.lb.http1.response_head import parse_response
from services.lb.routing.cookies import Seal, has_cookie, our_cookies
from services.lb.routing.uri import host_name, normal_path, query_pairs
from services.lb.serving.outcome import Cause
from tests.lb.hostile.readers import READERS, End, Seen

_ROOT = b"Root=1-00000000-000000000000000000000000"
_WRITER = HeadWriter(Attributes(), 80, b"lb.example")
_CLIENT = _WRITER.client_fields(b"10.0.0.1", b"1234", b"http", b"")
_SEAL = Seal(bytes(32), bytes)
_LAST = b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n"
_LONGEST_BODY = 4096


def request(data: bytes) -> None:
    """A request head, up to the empty line."""
    head = data.partition(b"\r\n\r\n")[0]
    found = parse_request(head)
    again = parse_request(head)  # this time out of the memo
    _after_another(head, found)
    if isinstance(found, Cause):
        assert again is found, (found, again)
        return
    assert isinstance(again, Request)
    assert _meaning(found) == _meaning(again)
    forwarded = _WRITER.write(found, _CLIENT, trace_value(found.trace_id, _ROOT))
    assert forwarded.endswith(b"\r\n\r\n")
    assert forwarded.count(b"\r\n\r\n") == 1
    if len(forwarded) - 4 <= REQUEST_HEAD_BYTES:
        _forwarded(found, forwarded)


def _after_another(head: bytes, found: Request | Cause) -> None:
    """A request before it that ended in the same lines changes nothing."""
    lines = head.split(b"\r\n")
    for start in range(1, min(len(lines), 8)):
        last = parse_request(b"\r\n".join([b"GET /last HTTP/1.1", *lines[start:]]))
        if isinstance(last, Request):
            follows = parse_next(head, last)
            if isinstance(follows, Request):
                assert isinstance(found, Request), found
                assert _meaning(follows) == _meaning(found)
            else:
                assert follows is found, (follows, found)


def _meaning(found: Request) -> tuple[object, ...]:
    return (
        found.method.name,
        found.target,
        found.host,
        found.framing,
        found.length,
        found.head,
        found.finding,
        found.odd,
        found.host_line,
        found.agent,
        found.keep_alive,
        found.trace_id,
        found.forwarded_for,
        found.expects,
        found.upgrade,
        found.is_ordinary,
    )


def _forwarded(found: Request, head: bytes) -> None:
    reread = parse_request(head[:-4])
    assert isinstance(reread, Request), reread
    assert (reread.method.name, reread.target) == (found.method.name, found.target)
    assert (reread.framing, reread.length, reread.upgrade) == (found.framing, found.length, found.upgrade)
    assert reread.forwarded_for.endswith(b"10.0.0.1")
    if found.length > _LONGEST_BODY:
        return
    body = b"x" * found.length if found.framing is LENGTH else b""
    wire = head + (b"1\r\nx\r\n0\r\n\r\n" if found.framing is CHUNKED else body) + _LAST
    if found.framing is CHUNKED:
        body = b"x"
    expected = (Seen(found.method.name, found.target, body), Seen(b"GET", b"/last", b""))
    for name, reader in READERS.items():
        reading = reader(wire)
        if name in ("h11", "llhttp") and reading.end is End.BROKEN and not reading.requests:
            continue  # refused as a whole: that desynchronises nobody
        assert reading.requests == expected, (name, reading)


def prefix(data: bytes) -> None:
    """What is refused before its end has come is refused as a whole, too."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return
    for at in range(len(head)):
        if unfinished_request(head[:at]) is not None:
            assert isinstance(parse_request(head), Cause), head[:at]


def response(data: bytes) -> None:
    """A response head. The first byte says whether the request was HEAD."""
    head = data[1:].partition(b"\r\n\r\n")[0]
    to_head = data[:1] > b"\x7f"
    found = parse_response(head, to_head=to_head)
    again = parse_response(head, to_head=to_head)
    if found is None or again is None:
        assert found is again
        return
    assert (found.rewritten, found.framing, found.length) == (again.rewritten, again.framing, again.length)
    head = found.rewritten or head
    assert b"\r\n\r\n" not in head
    if len(head) <= RESPONSE_HEAD_BYTES:
        reread = parse_response(head, to_head=to_head)
        assert reread is not None
        assert (reread.status, reread.framing) == (found.status, found.framing)
        assert reread.length == found.length or found.framing is not LENGTH
        assert reread.rewritten in (b"", head)


def chunked(data: bytes) -> None:
    """A chunked body. The first two bytes say how it is cut."""
    size, data = 1 + int.from_bytes(data[:2], "big") % 300, data[2:]
    payload, encoded = (_fed(data, size, decode=decode) for decode in (True, False))
    if payload is None or encoded is None:
        assert payload is encoded
        return
    wire = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + encoded + _LAST
    for name, reader in READERS.items():
        assert reader(wire).requests == (Seen(b"POST", b"/", payload), Seen(b"GET", b"/last", b"")), name


def _fed(data: bytes, size: int, *, decode: bool) -> bytes | None:
    """What is forwarded of a body that is whole, the same in pieces of `size` as at once; else None."""
    whole, written = ChunkedBody(decode=decode), b""
    first = whole.feed(data)
    pieces = ChunkedBody(decode=decode)
    broken = False
    at = 0
    while at < len(data) and not pieces.done and not broken:
        out = pieces.feed(data[at : at + size])
        broken = out is None
        written += out or b""
        at += size
    assert broken is (first is None), (first, written)
    if first is None:
        return None
    assert written == first
    assert pieces.done is whole.done
    if not whole.done:
        return None
    assert pieces.rest + data[at:] == whole.rest
    return first


def values(data: bytes) -> None:
    """What rules, stickiness and tracing read of a target, a Host, a Cookie, a trace id."""
    line = data.replace(b"\r", b"").replace(b"\n", b"")
    path = normal_path(b"/" + line.partition(b"?")[0])
    assert path.startswith(b"/")
    assert not {b".", b".."} & set(path.split(b"/"))
    query_pairs(line)
    host_name(line)
    head = b"GET / HTTP/1.1\r\nCookie: " + line
    for value in our_cookies(head).values():
        assert _SEAL.open(b"purpose", value) is None
    has_cookie(head, b"a")
    sealed = _SEAL.close(b"purpose", line.rstrip(b"\0"))
    assert _SEAL.open(b"purpose", sealed) == line.rstrip(b"\0")
    assert _SEAL.open(b"another", sealed) is None
    trace = trace_value(line, _ROOT)
    assert trace.startswith((_ROOT, _ROOT.replace(b"Root", b"Self")))
    assert sum(field.strip(b" \t")[:5].lower() == b"self=" for field in trace.split(b";")) <= 1
    assert len(trace) <= len(line) + len(_ROOT) + 3


INVARIANTS = {one.__name__: one for one in (request, prefix, response, chunked, values)}
