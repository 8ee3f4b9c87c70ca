"""A TLS connection of the data plane: an SSLSocket on the non-blocking descriptor, served by the selector like a plain one.

To its owner it is an `Endpoint` that is `connecting` for longer: bytes come and go only once the handshake is done. Then
the owner hears `drained`, or `ended` if it failed; `facts` tell of both, `failure` why it failed. Nobody but the owner
watches the time. Rules:

* epoll knows the kernel's bytes, not those that OpenSSL has taken and not yet given: while some are left and are wanted,
  WRITE is asked for too, which is ready at once. (OpenSSL reads no further than the record it is in.)
* Reading may have to wait for writing and the other way round; `interest` is what the owner wants of plaintext,
  `_watched` what the kernel is asked for.
* `pending` is plaintext. OpenSSL holds one record at most of what was taken from it.
"""

import contextlib
import socket
import ssl
import struct
import sys
from socket import SocketType
from typing import TYPE_CHECKING, Any, Final

from services.lb.sockets.endpoint import Endpoint
from services.lb.sockets.selector import READ, WRITE, ServingSelector
from services.lb.tls.facts import VERIFY_CODES, TlsFacts, shared

if TYPE_CHECKING:
    from services.lb.tls.contexts import TlsFront

RECORD_BYTES: Final = 16384
"""The most a record holds: a read of so many bytes leaves nothing of it behind."""

_RECORDS_AT_ONCE: Final = 4
HANDSHAKE_SECONDS: Final = 10.0
"""AWS's limit towards targets (alb:load-balancer-troubleshooting); the same is used towards clients."""

UNMAPPED: Final = "UnmappedConnectionError"
_LINGER: Final = struct.Struct("ii")


class TlsEndpoint(Endpoint):
    """Make one with `accept_tls` or `dial_tls`. `failure` is AWS's code for the connection log, `detail` OpenSSL's word."""

    __slots__ = (
        "_began", "_context", "_front", "_inner", "_over", "_read_needs_write", "_reads_raw", "_said_goodbye", "_server_name",
        "_shaking", "_tls", "_watched", "_write_needs_read", "detail", "facts", "failure",
    )  # fmt: skip

    is_plain = False

    def __init__(self, sock: SocketType, selector: ServingSelector, interest: int) -> None:
        self._watched = interest
        self._tls: ssl.SSLSocket | None = None
        self._front: TlsFront | None = None
        self._context: ssl.SSLContext | None = None  # of a connection to a target
        self._shaking = True
        self._began = selector.now
        self._server_name = ""
        self._read_needs_write = False
        self._write_needs_read = False
        self._over = False  # nothing more can be read
        self._inner: Any = None
        self._reads_raw = False
        self._said_goodbye = False
        self.facts = TlsFacts()
        self.failure = ""
        self.detail = ""
        super().__init__(sock, selector, interest)

    @property
    def established(self) -> bool:
        return not self._shaking and not self.failure

    @property
    def handshake_seconds(self) -> float:
        """How long it took, by the data plane's clock, which is read once a batch; asked in the one in which it ended."""
        return self.selector.now - self._began

    # What the kernel is asked for.

    def want(self, mask: int) -> None:
        self.interest = mask
        if not self._shaking:
            self._watch()

    def _watch(self) -> None:
        mask = self.interest
        if self._write_needs_read and mask & WRITE:
            mask = (mask & ~WRITE) | READ
        if mask & READ and self.interest & READ:
            if self._read_needs_write:
                mask = (mask & ~READ) | WRITE
            elif self._has_more():
                mask |= WRITE
        self._ask_for(mask)

    def _ask_for(self, mask: int) -> None:
        if mask != self._watched and self.is_open:
            self.selector.change(self.sock.fileno(), self._watched, mask)
            self._watched = mask

    def _has_more(self) -> bool:
        """Whether reading would give something without the kernel."""
        return self._over or (self._tls is not None and self._tls.pending() > 0)

    def on_ready(self, mask: int) -> None:
        if self.connecting:
            if mask & WRITE:
                self._dialled()
            return
        if self._shaking:
            self._shake()
            return
        if self._pending and (mask & WRITE or self._write_needs_read):
            self.flush()
            if not self._pending and self.is_open:
                self.owner.drained()
        if self.interest & READ and (mask & READ or self._read_needs_write or self._has_more()):
            self._read()
            if self.is_open and self._watched != self.interest:
                self._watch()

    # The handshake.

    def _dialled(self) -> None:
        context = self._context
        assert context is not None
        if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
            self.owner.ended()
            return
        self.connecting = False
        self._began = self.selector.now
        self.selector.unwatch(self.sock.fileno(), self._watched)  # when wrapping fails, the descriptor is gone
        try:
            tls = _wrap(self.sock, context, server_side=False)
        except OSError as error:
            self.is_open = False
            self._failed(UNMAPPED, error.strerror or str(error))
            return
        self._watched = READ
        self.selector.watch(tls.fileno(), self, READ)
        self._wrapped(tls)
        self._shake()

    def _wrapped(self, tls: ssl.SSLSocket) -> None:
        self.sock = self._tls = tls
        # What SSLSocket itself calls, without its Python in between.
        self._inner = getattr(tls, "_sslobj", None) or tls

    def _shake(self) -> None:
        tls = self._tls
        assert tls is not None
        front = self._front
        if front is not None:
            front.asked = None
        code, detail = "", ""
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            self._ask_for(READ)
            return
        except ssl.SSLWantWriteError:
            self._ask_for(WRITE)
            return
        except ssl.SSLCertVerificationError as error:
            code, detail = VERIFY_CODES.get(error.verify_code, "ClientCertRejected"), error.verify_message
        except ssl.SSLError as error:
            # The stubs know no None, which it is when the peer just closed.
            code, detail = UNMAPPED, str(getattr(error, "reason", None) or "closed")
        except OSError as error:
            code, detail = UNMAPPED, error.strerror or str(error)
        finally:
            if front is not None and front.asked is not None:
                self._server_name = front.asked
        if code:
            self._failed(code, detail)
        else:
            self._shaken(tls)

    def _shaken(self, tls: ssl.SSLSocket) -> None:
        front = self._front
        cipher = tls.cipher()
        protocol = sys.intern(tls.version() or "")
        name = sys.intern(cipher[0]) if cipher is not None else ""
        client, failure, status = None, "", ""
        if front is not None and front.verifier is not None:
            client, failure = front.verifier.examine(tls)
            status = f"Failed:{failure}" if failure else "Success" if client is not None else ""
        group = getattr(tls, "group", None)  # Python 3.15
        facts = TlsFacts(
            protocol,
            name,
            self._server_name,
            front.certificate_arn(tls.context, name, protocol) if front is not None else "",
            bool(tls.session_reused),
            (group() or "") if group is not None else "",
            tls.selected_alpn_protocol() or "",
            client,
            status,
        )
        self.facts = shared(facts)
        if failure:
            self.failure, self.detail = failure, "refused after the handshake"
            self._end_handshake(READ)
            self.owner.ended()
            return
        self._end_handshake(READ)
        self.owner.drained()
        # What the peer sent along with the end of its handshake is most likely here already.
        if self.is_open and self.interest & READ:
            self._read()
            if self.is_open:
                self._watch()

    def _end_handshake(self, interest: int) -> None:
        self._shaking = False
        self.want(interest | (WRITE if self._pending else 0))

    def _failed(self, code: str, detail: str) -> None:
        self.failure, self.detail = code, detail
        front = self._front
        mutual = front is not None and front.verifier is not None
        version = self._tls.version() if self._tls is not None else None
        self.facts = TlsFacts(
            protocol=version or "",
            server_name=self._server_name,
            verify_status=f"Failed:{code}" if mutual else "",
        )
        self._shaking = False
        self._over = True
        self._pending = b""
        self.owner.ended()

    def give_up(self) -> None:
        """The handshake has taken too long: the owner hears `ended`."""
        if self._shaking and self.is_open:
            self._failed(UNMAPPED, "timeout")

    # Bytes.

    def _read(self) -> None:
        data = self._take()
        if len(data) == RECORD_BYTES:  # a full record: more are behind it
            pieces = [data]
            while len(data) == RECORD_BYTES and len(pieces) < _RECORDS_AT_ONCE:
                data = self._take()
                pieces.append(data)
            data = b"".join(pieces)
        if data:
            self.owner.received(data)
            if self._over and self.is_open and self.interest & READ:
                self.owner.ended()
        elif self._over:
            self.owner.ended()

    def _take(self) -> bytes:
        """A record's worth, or nothing: because there is nothing yet, or (`_over`) because nothing will come any more."""
        if self._over:
            return b""
        self._read_needs_write = False
        try:
            data = SocketType.recv(self.sock, RECORD_BYTES) if self._reads_raw else self._inner.read(RECORD_BYTES)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLWantWriteError:
            self._read_needs_write = True
            return b""
        except BlockingIOError:
            return b""  # after `shutdown`
        except ssl.SSLEOFError:
            data = b""  # an end without close_notify
        except OSError:
            self.broken = True
            data = b""
        if not data:
            self._over = True
        return data

    def send(self, data: bytes) -> None:
        if self.unsent:
            data = self.take_back() + data
        if self._pending or self._shaking:
            self._pending += data
            return
        if not data:
            return
        sent = self._write(data)
        if sent < len(data):
            self._pending = data[sent:]
            self.want(self.interest | WRITE)

    def flush(self) -> None:
        self.flushed = self.selector.now
        self._pending = self._pending[self._write(self._pending) :]
        self.want(self.interest if self._pending else self.interest & ~WRITE)

    def _write(self, data: bytes) -> int:
        """How much of `data` was taken: all of it when the connection is broken."""
        if self.swallows:
            return len(data)
        self._write_needs_read = False
        sent = 0
        try:
            sent = self._inner.write(data)
            if sent < len(data):  # OpenSSL takes a record at a time
                view = memoryview(data)
                while sent < len(data):
                    sent += self._inner.write(view[sent:])
        except ssl.SSLWantWriteError:
            pass
        except ssl.SSLWantReadError:
            self._write_needs_read = True
        except OSError:
            self.break_off()
            return len(data)
        return sent

    # Ends.

    def shutdown(self) -> None:
        """No more is sent: close_notify, then the end of the stream. What is received from here on is not decrypted, for
        nobody will read it; that it came, and its end, are still told."""
        self.send_unsent()
        self._say_goodbye()
        self._reads_raw = True
        SocketType.shutdown(self.sock, socket.SHUT_WR)  # SSLSocket's own would forget that there is TLS

    def close(self) -> None:
        if self.is_open:
            self.send_unsent()
            if self.established and not self._pending and not self._resets():
                self._say_goodbye()
            self.is_open = False
            self._pending = b""
            self.selector.forget(self.sock, self._watched)
            self.interest = self._watched = 0
            self.swallows = True

    def _resets(self) -> bool:
        """Whether the owner has told the socket to reset at its end: then the end must not look like a good one."""
        return bool(_LINGER.unpack(self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.size))[0])

    def _say_goodbye(self) -> None:
        """Best effort: a socket that takes no more bytes, or a broken one, ends without."""
        if self._said_goodbye or self._tls is None:
            return
        self._said_goodbye = True
        with contextlib.suppress(OSError, ValueError):
            self._tls.unwrap()

    def break_off(self) -> None:
        self._said_goodbye = True
        self.swallows = True
        self._pending = self.unsent = b""
        with contextlib.suppress(OSError):  # already down: all that matters is that reading will tell
            SocketType.shutdown(self.sock, socket.SHUT_WR)
        self.want(READ)


def accept_tls(sock: SocketType, selector: ServingSelector, front: "TlsFront") -> TlsEndpoint:
    """The server's end of an accepted connection. Takes `sock` over. Raises OSError when the client has gone already."""
    tls = _wrap(sock, front.context, server_side=True)
    link = TlsEndpoint(tls, selector, READ)
    link._wrapped(tls)
    link._front = front
    return link


def dial_tls(sock: SocketType, selector: ServingSelector, context: ssl.SSLContext) -> TlsEndpoint:
    """The client's end, towards a target, of a non-blocking socket that `connect` was called on. No server name is sent:
    targets are addresses."""
    link = TlsEndpoint(sock, selector, WRITE)
    link.connecting = True
    link._context = context
    return link


def _wrap(sock: SocketType, context: ssl.SSLContext, *, server_side: bool) -> ssl.SSLSocket:
    """Takes `sock` over, whatever happens."""
    try:
        sock.getpeername()  # wrapping looks too, but then the descriptor is lost to whoever collects the garbage
    except OSError:
        sock.close()
        raise
    whole = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, sock.detach())
    whole.setblocking(False)
    return context.wrap_socket(whole, server_side=server_side, do_handshake_on_connect=False)
