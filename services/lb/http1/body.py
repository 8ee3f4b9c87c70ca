"""Where a body ends: takes what comes, gives what to pass on, and knows the end. One object per connection and direction."""

from services.lb.http1.chunked import ChunkedBody
from services.lb.http1.framing import CHUNKED, LENGTH, NO_BODY, UNTIL_CLOSE, Framing


class BodyReader:
    """`begin` it with each message. `rest` holds the bytes after the end, once `done`; `remaining` is what is missing of a
    body of known length."""

    __slots__ = ("_chunked", "done", "framing", "remaining", "rest")

    def __init__(self) -> None:
        self.framing = NO_BODY
        self.remaining = 0
        self._chunked: ChunkedBody | None = None
        self.done = True
        self.rest = b""

    def begin(self, framing: Framing, length: int, *, decode: bool = False) -> None:
        """With `decode` chunks are taken apart, for a reader that knows none."""
        self.framing = framing
        self.remaining = length
        self._chunked = ChunkedBody(decode=decode) if framing is CHUNKED else None
        self.done = framing is NO_BODY
        self.rest = b""

    @property
    def until_close(self) -> bool:
        return self.framing is UNTIL_CLOSE

    def skip(self) -> None:
        """A body of known length, or the rest of it, is passed on by other means."""
        self.remaining = 0
        self.done = True
        self.rest = b""

    def take(self, data: bytes) -> bytes | None:
        """What to pass on for `data`; None when the framing is broken."""
        framing = self.framing
        if framing is LENGTH:
            length = len(data)
            if length < self.remaining:
                self.remaining -= length
                return data
            self.done = True
            if length == self.remaining:
                return data
            self.rest = data[self.remaining :]
            return data[: self.remaining]
        if self._chunked is not None:
            out = self._chunked.feed(data)
            if self._chunked.done:
                self.done = True
                self.rest = self._chunked.rest
            return out
        if framing is NO_BODY:
            self.rest = data
            return b""
        return data
