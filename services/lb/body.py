"""Where a body ends: takes what comes, gives what to pass on, and knows the end. One object per connection and direction."""

from services.lb.chunked import ChunkedBody
from services.lb.http1 import CHUNKED, LENGTH, NO_BODY, UNTIL_CLOSE, Framing


class BodyReader:
    """`begin` it with each message. `rest` holds the bytes after the end, once `done`."""

    __slots__ = ("_chunked", "_framing", "_remaining", "done", "rest")

    def __init__(self) -> None:
        self.begin(NO_BODY, 0)

    def begin(self, framing: Framing, length: int, *, decode: bool = False) -> None:
        """With `decode` chunks are taken apart, for a reader that knows none."""
        self._framing = framing
        self._remaining = length
        self._chunked = ChunkedBody(decode=decode) if framing is CHUNKED else None
        self.done = framing is NO_BODY
        self.rest = b""

    @property
    def until_close(self) -> bool:
        return self._framing is UNTIL_CLOSE

    def take(self, data: bytes) -> bytes | None:
        """What to pass on for `data`; None when the framing is broken."""
        if self._framing is LENGTH:
            length = len(data)
            if length < self._remaining:
                self._remaining -= length
                return data
            self.done = True
            if length == self._remaining:
                return data
            self.rest = data[self._remaining :]
            return data[: self._remaining]
        if self._chunked is not None:
            out = self._chunked.feed(data)
            if self._chunked.done:
                self.done = True
                self.rest = self._chunked.rest
            return out
        if self._framing is NO_BODY:
            self.rest = data
            return b""
        return data
