"""One end of the socket pair between the supervisor and a worker: whole messages both ways, open sockets along with them.

A message is four bytes of length, big-endian, and JSON. Sockets travel as SCM_RIGHTS with its first bytes (unix(7)), which
is why this is not an asyncio stream: the receiver gets descriptors of its own of the very same sockets, and whichever
process ends, they live on in the other.

Nothing is queued here. Who has something to say makes it up at the moment it can be sent, from the state as it is then: so
a peer that does not read costs one message of memory, and reads the newest state when it does.
"""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

_LENGTH = struct.Struct(">I")
_READ_BYTES = 1 << 18
_SOCKETS = 250  # with one read; Linux passes at most 253 at once


class Message(NamedTuple):
    body: dict[str, Any]
    sockets: Sequence[socket.socket] = ()


class Link:
    """`compose` gives what is to be said now, or None; it is asked on `poke` and after each message. `received` gets a
    message and the sockets that have come so far and nobody took from the list: those of the message are the first in
    it. `ended` is called once, when the peer is gone. Belongs to the running loop."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        compose: Callable[[], Message | None],
        received: Callable[[dict[str, Any], list[socket.socket]], None],
        ended: Callable[[], None],
    ) -> None:
        self._sock = sock
        self._compose = compose
        self._received = received
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._is_open = True
        self._in = bytearray()
        self._sockets: list[socket.socket] = []
        self._out = memoryview(b"")
        self._passing: list[socket.socket] = []  # copies: the owner may close its own before they are sent
        sock.setblocking(False)
        self._loop.add_reader(sock, self._read)

    def poke(self) -> None:
        """There may be something to say."""
        while self._is_open and not self._out:
            message = self._compose()
            if message is None:
                return
            text = json.dumps(message.body).encode()
            self._out = memoryview(_LENGTH.pack(len(text)) + text)
            self._passing = [sock.dup() for sock in message.sockets]
            self._write()

    def close(self) -> None:
        """Without `ended`."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock.close()
            for sock in (*self._passing, *self._sockets):
                sock.close()

    def _write(self) -> None:
        try:
            if self._passing:
                sent = socket.send_fds(self._sock, [self._out], [sock.fileno() for sock in self._passing])
                while self._passing:
                    self._passing.pop().close()
            else:
                sent = self._sock.send(self._out)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._end()
            return
        self._out = self._out[sent:]
        if self._out:
            self._loop.add_writer(self._sock, self._go_on)

    def _go_on(self) -> None:
        self._loop.remove_writer(self._sock)
        self._write()
        self.poke()

    def _read(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._sock, _READ_BYTES, _SOCKETS)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # recv_fds ignores its flags, so not at once
            self._sockets.append(socket.socket(fileno=descriptor))
        self._in += data
        while self._is_open and (text := self._next()):
            self._received(json.loads(text), self._sockets)
        if not data:
            self._end()

    def _next(self) -> bytearray:
        """The next whole message; empty when there is none yet."""
        if len(self._in) < _LENGTH.size:
            return bytearray()
        (length,) = _LENGTH.unpack_from(self._in)
        end = _LENGTH.size + length
        text = self._in[_LENGTH.size : end]
        if len(text) < length:
            return bytearray()
        del self._in[:end]
        return text

    def _end(self) -> None:
        if self._is_open:
            self.close()
            self._ended()
