"""The corpus of hostile answers: what a target may say to GET, HEAD or POST, and what a client may then see."""

from dataclasses import dataclass
from enum import Enum


class Fate(Enum):
    """WHOLE: an answer a client can read to its end. REFUSED: 502. BROKEN: 502, or, where the head has gone already, an end
    that no client takes for a good one."""

    WHOLE = "whole"
    REFUSED = "refused"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Said:
    """`data` is what the target sends; `closes`: it then closes its side. `status` and `body` are those of a WHOLE answer;
    `pooled` says whether the connection to the target may serve another request afterwards."""

    name: str
    data: bytes
    fate: Fate
    status: int = 200
    body: bytes = b""
    method: str = "GET"
    closes: bool = False
    pooled: bool = False

    def __str__(self) -> str:
        return self.name


def _head(first: str, *fields: str) -> bytes:
    return "\r\n".join((first, *fields, "", "")).encode("latin-1")


_CHUNKS_OF_HELLO = b"5\r\nhello\r\n0\r\n\r\n"
_OK = "HTTP/1.1 200 OK"
_CL5 = "Content-Length: 5"
_CHUNKED = "Transfer-Encoding: chunked"
_EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
"""An answer nobody asked for. No client may ever get it as an answer of its own."""

_LINES = {
    "http09": b"hello\r\n\r\n",
    "version-2": _head("HTTP/2.0 200 OK", _CL5) + b"hello",
    "version-12": _head("HTTP/1.2 200 OK", _CL5) + b"hello",
    "version-lower": _head("http/1.1 200 OK", _CL5) + b"hello",
    "version-missing": _head("200 OK", _CL5) + b"hello",
    "status-two-digits": _head("HTTP/1.1 20 OK", _CL5) + b"hello",
    "status-four-digits": _head("HTTP/1.1 2000 OK", _CL5) + b"hello",
    "status-word": _head("HTTP/1.1 OK 200", _CL5) + b"hello",
    "status-plus": _head("HTTP/1.1 +20 OK", _CL5) + b"hello",
    "status-000": _head("HTTP/1.1 000 OK", _CL5) + b"hello",
    "status-600": _head("HTTP/1.1 600 OK", _CL5) + b"hello",
    "status-two-spaces": _head("HTTP/1.1  200 OK", _CL5) + b"hello",
    "status-tab": _head("HTTP/1.1\t200 OK", _CL5) + b"hello",
    "status-glued": _head("HTTP/1.1 200OK", _CL5) + b"hello",
    "reason-cr": _head("HTTP/1.1 200 O\rK", _CL5) + b"hello",
    "reason-lf": _head("HTTP/1.1 200 O\nSet-Cookie: a=b", _CL5) + b"hello",
    "reason-nul": _head("HTTP/1.1 200 O\0K", _CL5) + b"hello",
    "reason-esc": _head("HTTP/1.1 200 \x1b[2J", _CL5) + b"hello",
    "crlf-before": b"\r\n" + _head(_OK, _CL5) + b"hello",
    "lf-line": b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello",
    "lf-end": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello\r\n\r\n",
    "field-space-colon": _head(_OK, "Content-Length : 5") + b"hello",
    "field-folded": _head(_OK, "X: a", " b", _CL5) + b"hello",
    "field-no-colon": _head(_OK, "X", _CL5) + b"hello",
    "field-empty-name": _head(_OK, ": x", _CL5) + b"hello",
    "field-bare-cr": _head(_OK, "X: a\rSet-Cookie: b=c", _CL5) + b"hello",
    "field-bare-lf": _head(_OK, "X: a\nSet-Cookie: b=c", _CL5) + b"hello",
    "field-nul": _head(_OK, "X: a\0b", _CL5) + b"hello",
    "field-ctl": _head(_OK, "X: a\x1bb", _CL5) + b"hello",
    "field-name-8bit": _head(_OK, "X\xe9: a", _CL5) + b"hello",
    "cl-te": _head(_OK, _CL5, _CHUNKED) + b"0\r\n\r\n" + _EVIL,
    "te-cl": _head(_OK, _CHUNKED, _CL5) + b"0\r\n\r\n" + _EVIL,
    "cl-twice-same": _head(_OK, _CL5, _CL5) + b"hello",
    "cl-twice-differing": _head(_OK, _CL5, "Content-Length: 6") + b"hello",
    "cl-list": _head(_OK, "Content-Length: 5, 5") + b"hello",
    "cl-plus": _head(_OK, "Content-Length: +5") + b"hello",
    "cl-minus": _head(_OK, "Content-Length: -5") + b"hello",
    "cl-hex": _head(_OK, "Content-Length: 0x5") + b"hello",
    "cl-empty": _head(_OK, "Content-Length:") + b"hello",
    "cl-huge": _head(_OK, "Content-Length: 18446744073709551621") + b"hello",
    "cl-superscript": _head(_OK, "Content-Length: \xb2") + b"hello",
    "te-twice": _head(_OK, _CHUNKED, _CHUNKED) + b"0\r\n\r\n",
    "te-list": _head(_OK, "Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "te-gzip": _head(_OK, "Transfer-Encoding: gzip") + b"hello",
    "te-gzip-chunked": _head(_OK, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "te-xchunked": _head(_OK, "Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "te-empty": _head(_OK, "Transfer-Encoding:") + b"0\r\n\r\n",
    "te-http10": _head("HTTP/1.0 200 OK", _CHUNKED) + b"0\r\n\r\n",
    "101-unasked": _head("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"),
    "101-h2c": _head("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: h2c"),
    "interim-with-body": _head("HTTP/1.1 103 Early Hints", _CL5) + b"hello" + _head(_OK, _CL5) + b"hello",
    "interim-flood": _head("HTTP/1.1 103 Early Hints", "Link: <a>") * 17 + _head(_OK, _CL5) + b"hello",
    "continue-flood": _head("HTTP/1.1 100 Continue") * 10_000,
    "head-32k-1": _head(_OK, _CL5, "X: " + "a" * 32_768) + b"hello",
    "head-endless": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    "line-endless": b"HTTP/1.1 200 " + b"a" * 70_000,
    "request-echoed": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "tls-alert": b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n",
}

_CHUNKS = {
    "hex-prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "leading-space": b" 5\r\nhello\r\n0\r\n\r\n",
    "not-hex": b"x\r\nhello\r\n0\r\n\r\n",
    "overflow": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "size-lf": b"5\nhello\r\n0\r\n\r\n",
    "data-lf": b"5\r\nhello\n0\r\n\r\n",
    "data-too-long": b"5\r\nhello!\r\n0\r\n\r\n",
    "end-lf": b"5\r\nhello\r\n0\n\n",
    "trailer-no-colon": b"5\r\nhello\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n",
    "trailer-long": b"0\r\nX: " + b"y" * 5_000 + b"\r\n\r\n",
    "second-bad": b"5\r\nhello\r\nzz\r\n",
}


def _whole(name: str, data: bytes, body: bytes = b"hello", **more: object) -> Said:
    return Said(name, data, Fate.WHOLE, body=body, **more)  # type: ignore[arg-type]  # fields by name


ANSWERS = (
    *(Said(name, data, Fate.REFUSED) for name, data in _LINES.items()),
    *(Said(f"chunk-{name}", _head(_OK, _CHUNKED) + data, Fate.BROKEN) for name, data in _CHUNKS.items()),
    _whole("plain", _head(_OK, _CL5) + b"hello", pooled=True),
    _whole("no-reason", _head("HTTP/1.1 200", _CL5) + b"hello", pooled=True),
    _whole("reason-8bit", _head("HTTP/1.1 200 \xe9\xff", _CL5) + b"hello", pooled=True),
    _whole("cl-padded", _head(_OK, "Content-Length: \t5 ") + b"hello", pooled=True),
    _whole("chunked", _head(_OK, _CHUNKED) + _CHUNKS_OF_HELLO, pooled=True),
    _whole("chunk-extension", _head(_OK, _CHUNKED) + b"5;a=b\r\nhello\r\n0;c\r\n\r\n", pooled=True),
    _whole("trailer-framing", _head(_OK, _CHUNKED) + b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n", pooled=True),
    _whole("surplus", _head(_OK, _CL5) + b"hello" + _EVIL),
    _whole("surplus-crlf", _head(_OK, _CL5) + b"hello\r\n"),
    _whole("surplus-chunked", _head(_OK, _CHUNKED) + _CHUNKS_OF_HELLO + _EVIL),
    _whole("surplus-after-none", _head(_OK, "Content-Length: 0") + _EVIL, body=b""),
    _whole("evil-inside", _head(_OK, f"Content-Length: {len(_EVIL)}") + _EVIL, body=_EVIL, pooled=True),
    _whole("204-with-length", _head("HTTP/1.1 204 No Content", _CL5) + b"hello", body=b"", status=204),
    _whole("204-chunked", _head("HTTP/1.1 204 No Content", _CHUNKED) + b"0\r\n\r\n", body=b"", status=204),
    _whole("204-evil", _head("HTTP/1.1 204 No Content") + _EVIL, body=b"", status=204),
    _whole("304-with-body", _head("HTTP/1.1 304 Not Modified", _CL5) + b"hello", body=b"", status=304),
    _whole("304-evil", _head("HTTP/1.1 304 Not Modified", "Content-Length: 0") + _EVIL, body=b"", status=304),
    _whole("205-with-body", _head("HTTP/1.1 205 Reset Content", _CL5) + b"hello", status=205, pooled=True),
    _whole("head-with-body", _head(_OK, _CL5) + b"hello", body=b"", method="HEAD"),
    _whole("head-evil", _head(_OK, _CL5) + _EVIL, body=b"", method="HEAD"),
    _whole("head-chunked", _head(_OK, _CHUNKED) + _CHUNKS_OF_HELLO, body=b"", method="HEAD"),
    _whole("head-plain", _head(_OK, _CL5), body=b"", method="HEAD", pooled=True),
    _whole("interim", _head("HTTP/1.1 103 Early Hints", "Link: <a>") + _head(_OK, _CL5) + b"hello", pooled=True),
    _whole("interim-16", _head("HTTP/1.1 103 Early Hints") * 16 + _head(_OK, _CL5) + b"hello", pooled=True),
    _whole("continue-unasked", _head("HTTP/1.1 100 Continue") + _head(_OK, _CL5) + b"hello", pooled=True),
    _whole("interim-framed", _head("HTTP/1.1 103 X", _CHUNKED) + _head(_OK, _CL5) + b"hello", pooled=True),
    _whole("nominates-framing", _head(_OK, "Connection: Content-Length", _CL5) + b"hello", pooled=True),
    _whole("nominates-chunked", _head(_OK, "Connection: Transfer-Encoding", _CHUNKED) + _CHUNKS_OF_HELLO, pooled=True),
    _whole("hop-by-hop", _head(_OK, "Keep-Alive: max=1", "Upgrade: h2c", _CL5) + b"hello", pooled=True),
    _whole("says-close", _head(_OK, "Connection: close", _CL5) + b"hello"),
    _whole("http10", _head("HTTP/1.0 200 OK", _CL5) + b"hello"),
    _whole("until-close", _head(_OK) + b"hello", closes=True),
    _whole("until-close-evil", _head(_OK) + _EVIL, body=_EVIL, closes=True),
    _whole("until-close-nothing", _head(_OK), body=b"", closes=True),
    Said("closes-at-once", b"", Fate.REFUSED, closes=True),
    Said("closes-in-line", b"HTTP/1.1 20", Fate.REFUSED, closes=True),
    Said("closes-in-head", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", Fate.REFUSED, closes=True),
    Said("closes-after-interim", _head("HTTP/1.1 103 Early Hints"), Fate.REFUSED, closes=True),
    Said("closes-in-body", _head(_OK, _CL5) + b"hel", Fate.BROKEN, closes=True),
    Said("closes-before-body", _head(_OK, _CL5), Fate.BROKEN, closes=True),
    Said("closes-in-chunk", _head(_OK, _CHUNKED) + b"5\r\nhel", Fate.BROKEN, closes=True),
    Said("closes-in-size", _head(_OK, _CHUNKED) + b"5", Fate.BROKEN, closes=True),
    Said("closes-between-chunks", _head(_OK, _CHUNKED) + b"5\r\nhello\r\n", Fate.BROKEN, closes=True),
    Said("closes-in-last-chunk", _head(_OK, _CHUNKED) + b"5\r\nhello\r\n0\r\n", Fate.BROKEN, closes=True),
)  # fmt: skip
