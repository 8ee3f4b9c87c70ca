"""Readers of a connection's bytes from a client, as origins have them: each says which whole requests it sees, and how it ends.

`strict` is RFC 9112 to the letter, written apart from the node's own. `naive` forgives what old servers forgave: bare LF,
folding, spaces around names, any number Python's `int` takes, the last Content-Length; with `length_first` it
obeys Content-Length where Transfer-Encoding is there too. `h11` and `llhttp` (Node.js's) are other people's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import h11
import httptools


class End(Enum):
    CLEAN = "after a whole request"
    PARTIAL = "within a request"
    BROKEN = "refused"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request. `body` is decoded."""

    method: bytes
    target: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """`length` is that of the whole requests, in bytes; only our own readers tell it."""

    requests: tuple[Seen, ...]
    end: End
    length: int = field(default=0, compare=False)


Reader = Callable[[bytes], Reading]


class _PartialError(Exception):
    """More bytes are needed."""


class _BrokenError(Exception):
    """No reader of this kind goes on."""


def _each(one: Callable[[bytes], tuple[Seen, int]]) -> Reader:
    """A reader from what reads a request at the beginning: (the request, its length)."""

    def read(data: bytes) -> Reading:
        seen = []
        end, at = End.CLEAN, 0
        try:
            while at < len(data):
                request, length = one(data[at:])
                seen.append(request)
                at += length
        except _PartialError:
            end = End.PARTIAL
        except _BrokenError:
            end = End.BROKEN
        return Reading(tuple(seen), end, at)

    return read


_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE = re.compile(rb"(%b) ([\x21-\x7e\x80-\xff]+) HTTP/1\.1" % _TOKEN)
_FIELD = re.compile(
    rb"(%b):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*" % _TOKEN
)
_SIZE = re.compile(rb"[0-9A-Fa-f]+(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")


def fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a head that `strict` passes: lower-case names, values without white space around them."""
    found = []
    for line in head.split(b"\r\n")[1:]:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise _BrokenError
        found.append((match[1].lower(), match[2]))
    return found


def _strict(data: bytes) -> tuple[Seen, int]:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise _PartialError
    match = _LINE.fullmatch(data[:end].split(b"\r\n")[0])
    if match is None:
        raise _BrokenError
    found = fields(data[:end])
    hosts, lengths, codings = (
        [value for name, value in found if name == wanted]
        for wanted in (b"host", b"content-length", b"transfer-encoding")
    )
    if len(hosts) != 1 or len(lengths) + len(codings) > 1:
        raise _BrokenError
    at = end + 4
    if codings:
        if codings[0].lower() != b"chunked":
            raise _BrokenError
        body, at = _strict_chunks(data, at)
    else:
        length = lengths[0] if lengths else b"0"
        if not re.fullmatch(rb"[0-9]+", length):
            raise _BrokenError
        body, at = _exactly(data, at, int(length))
    return Seen(match[1], match[2], body), at


def _exactly(data: bytes, at: int, length: int) -> tuple[bytes, int]:
    if len(data) - at < length:
        raise _PartialError
    return data[at : at + length], at + length


def _strict_chunks(data: bytes, at: int) -> tuple[bytes, int]:
    body = b""
    while True:
        line, at = _strict_line(data, at)
        if _SIZE.fullmatch(line) is None:
            raise _BrokenError
        size = int(line.partition(b";")[0], 16)
        if size == 0:
            break
        piece, at = _exactly(data, at, size)
        body += piece
        line, at = _strict_line(data, at)
        if line:
            raise _BrokenError
    while True:
        line, at = _strict_line(data, at)
        if not line:
            return body, at
        if _FIELD.fullmatch(line) is None:
            raise _BrokenError


def _strict_line(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\r\n", at)
    if end < 0:
        raise _PartialError
    return data[at:end], end + 2


def _naive(data: bytes, *, length_first: bool) -> tuple[Seen, int]:
    at = len(data) - len(data.lstrip(b"\r\n"))
    line, at = _naive_line(data, at)
    method, _, rest = line.strip().partition(b" ")
    target = rest.strip().partition(b" ")[0]
    length, chunked = 0, False
    unfolded: list[bytes] = []
    while True:
        line, at = _naive_line(data, at)
        if not line:
            break
        if line[:1] in b" \t" and unfolded:
            unfolded[-1] += line
        else:
            unfolded.append(line)
    has_length = False
    for line in unfolded:
        name, _, value = line.partition(b":")
        name = name.strip().lower()
        if name == b"content-length":
            try:
                length, has_length = int(value.rpartition(b",")[2].strip().decode("utf-8", "replace")), True
            except ValueError as error:
                raise _BrokenError from error
        elif name == b"transfer-encoding":
            chunked = b"chunked" in value.lower()
    if chunked and not (length_first and has_length):
        body, at = _naive_chunks(data, at)
    else:
        body, at = _exactly(data, at, max(0, length))
    return Seen(method, target, body), at


def _naive_chunks(data: bytes, at: int) -> tuple[bytes, int]:
    body = b""
    while True:
        line, at = _naive_line(data, at)
        try:
            size = int(line.partition(b";")[0].strip(), 16)
        except ValueError as error:
            raise _BrokenError from error
        if size <= 0:
            while line:
                line, at = _naive_line(data, at)
            return body, at
        piece, at = _exactly(data, at, size)
        body += piece
        _, at = _naive_line(data, at)


def _naive_line(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\n", at)
    if end < 0:
        raise _PartialError
    return data[at:end].removesuffix(b"\r"), end + 1


def read_h11(data: bytes) -> Reading:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    seen: list[Seen] = []
    method = target = b""
    body = b""
    within = False
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                method, target, body, within = event.method, event.target, b"", True
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                seen.append(Seen(method, target, body))
                within = False
                connection.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    break
                connection.start_next_cycle()
            else:
                break
    except h11.RemoteProtocolError:
        return Reading(tuple(seen), End.BROKEN)
    left = connection.trailing_data[0]
    return Reading(tuple(seen), End.PARTIAL if within or left else End.CLEAN)


class _Events:
    """llhttp's callbacks."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.within = False
        self.target = b""
        self.body = b""
        self.parser: httptools.HttpRequestParser | None = None

    def on_message_begin(self) -> None:
        self.target, self.body, self.within = b"", b"", True

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        assert self.parser is not None
        self.seen.append(Seen(self.parser.get_method(), self.target, self.body))
        self.within = False


def read_llhttp(data: bytes) -> Reading:
    events = _Events()
    events.parser = parser = httptools.HttpRequestParser(events)
    try:
        while data:
            try:
                parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:  # asked for, and refused: what follows is the next request
                data = data[upgrade.args[0] :]
                events.parser = parser = httptools.HttpRequestParser(events)
    except httptools.HttpParserError:
        return Reading(tuple(events.seen), End.BROKEN)
    return Reading(tuple(events.seen), End.PARTIAL if events.within else End.CLEAN)


READERS: dict[str, Reader] = {
    "strict": _each(_strict),
    "naive": _each(lambda data: _naive(data, length_first=False)),
    "naive, length first": _each(lambda data: _naive(data, length_first=True)),
    "h11": read_h11,
    "llhttp": read_llhttp,
}
