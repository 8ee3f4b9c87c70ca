"""The event loop's selector, which serves the data plane itself.

asyncio asks a selector which sockets are ready and then runs callbacks. This selector, asked, first runs the handlers of
the data plane's sockets on the spot: no transport, task, future or callback queue stands between the kernel and a
request. The sockets of the control side (configuration, reports, health checks) are asyncio's as ever: they live in an
ordinary selector, whose own descriptor is watched like one more socket. One loop, one thread, two speeds.

Rules: level-triggered, so a handler may stop wherever it likes. A handler that raises is closed and logged, and the loop
goes on. A socket is closed at the end of its batch, never within it, so that a new socket cannot take over the number,
and with it the pending events, of a closed one.

`EpollSelector` is for Linux; `PlainSelector` does the same with any selector of the standard library (kqueue).
"""

import logging
import math
import select
import selectors
from collections.abc import Callable, Mapping
from socket import SocketType
from typing import Any, ClassVar, Final

READ: Final = 1
WRITE: Final = 2
"""As selectors.EVENT_READ and EVENT_WRITE."""

_log = logging.getLogger("lb")


class Handler:
    """A socket of the data plane. `on_ready` gets READ, WRITE or both; a closed or broken socket is ready for both."""

    __slots__ = ()

    def on_ready(self, mask: int) -> None:
        raise NotImplementedError

    def abort(self) -> None:
        """Close at once, whatever the state: `on_ready` raised."""
        raise NotImplementedError


class Sender(Handler):
    """A handler that may put sending off to the end of a batch."""

    __slots__ = ()

    def send_unsent(self) -> None:
        raise NotImplementedError


class ServingSelector(selectors.BaseSelector):
    """What both kinds share: the control side's selector, the handlers, the clock of the data plane.

    `now` is read once a batch. `clock` is monotonic, in seconds. `held` is how many bytes wait in memory for a peer to take
    them or to complete them (services.lb.serving.limits). While a batch is `serving`, who has something to send at its end is
    put into `waiting`."""

    _closing_ends_watch: ClassVar[bool] = False
    """Of a socket that no other process has."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.now = clock()
        self.held = 0
        self.after_batch: Callable[[], None] | None = None
        self._clock = clock
        self._control: selectors.BaseSelector = selectors.DefaultSelector()
        self._handlers: dict[int, Handler] = {}
        self._doomed: list[SocketType] = []
        self.serving = False
        self.waiting: list[Sender] = []

    # The data plane's side.

    @property
    def watched(self) -> int:
        """How many sockets there are, be they listened to or not."""
        return len(self._handlers)

    def watch(self, fd: int, handler: Handler, mask: int) -> None:
        raise NotImplementedError

    def change(self, fd: int, old: int, new: int) -> None:
        """A mask of 0 takes the socket out of the kernel's list: there a hang-up would be reported for ever."""
        raise NotImplementedError

    def unwatch(self, fd: int, mask: int) -> None:
        if mask:
            self.change(fd, mask, 0)
        del self._handlers[fd]

    def forget(self, sock: SocketType, mask: int, *, shared: bool = False) -> None:
        """Ends a watch and closes the socket, at once or at the end of the batch. `shared`: another process has it, too."""
        fd = sock.fileno()
        if mask and (shared or not self._closing_ends_watch):
            self.change(fd, mask, 0)
        del self._handlers[fd]
        if self.serving:
            self._doomed.append(sock)
        else:
            sock.close()

    def _failed(self, handler: Handler) -> None:
        """Called where `on_ready` raised."""
        _log.exception("a connection was closed: its handler failed")
        try:
            handler.abort()
        except Exception:
            _log.exception("and so did closing it")

    def _end_batch(self) -> None:
        self.serving = False
        for sender in self.waiting:
            try:
                sender.send_unsent()
            except Exception:
                self._failed(sender)
        self.waiting.clear()
        for sock in self._doomed:
            sock.close()
        self._doomed.clear()
        if self.after_batch is not None:
            self.after_batch()

    # asyncio's side.

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._control.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._control.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._control.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._control.get_map()

    def close(self) -> None:
        self._control.close()


_DATA_PLANE: Final = object()


class PlainSelector(ServingSelector):
    """On top of any selector: data plane sockets are registered in it with their handler's marker as data."""

    def watch(self, fd: int, handler: Handler, mask: int) -> None:
        self._handlers[fd] = handler
        if mask:
            self._control.register(fd, mask, _DATA_PLANE)

    def change(self, fd: int, old: int, new: int) -> None:
        if not old:
            self._control.register(fd, new, _DATA_PLANE)
        elif not new:
            self._control.unregister(fd)
        else:
            self._control.modify(fd, new, _DATA_PLANE)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._control.select(timeout)
        self.now = self._clock()
        self.serving = True
        control = []
        for key, mask in ready:
            if key.data is not _DATA_PLANE:
                control.append((key, mask))
                continue
            handler = self._handlers.get(key.fd)
            if handler is not None:  # else it was closed earlier in this batch
                try:
                    handler.on_ready(mask)
                except Exception:
                    self._failed(handler)
        self._end_batch()
        return control


class EpollSelector(ServingSelector):
    """On an epoll of its own, which also watches the epoll of the control side."""

    _closing_ends_watch: ClassVar[bool] = True  # epoll(7), Q6: a system call less per connection
    _BATCH = 256

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        control = self._control
        assert isinstance(control, selectors.EpollSelector)
        self._control_fd = control.fileno()
        self._epoll = select.epoll()
        self._epoll.register(self._control_fd, select.EPOLLIN)

    def watch(self, fd: int, handler: Handler, mask: int) -> None:
        self._handlers[fd] = handler
        if mask:
            self._epoll.register(fd, _TO_EPOLL[mask])

    def change(self, fd: int, old: int, new: int) -> None:
        if not old:
            self._epoll.register(fd, _TO_EPOLL[new])
        elif not new:
            self._epoll.unregister(fd)
        else:
            self._epoll.modify(fd, _TO_EPOLL[new])

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # epoll counts milliseconds: rounded up, or a timer would spin through its last one.
        wait = -1.0 if timeout is None else max(0.0, math.ceil(timeout * 1e3) * 1e-3)
        ready = self._epoll.poll(wait, self._BATCH)
        self.now = self._clock()
        self.serving = True
        control = False
        handlers = self._handlers
        for fd, event in ready:
            handler = handlers.get(fd)
            if handler is not None:  # else it was closed earlier in this batch
                try:
                    handler.on_ready(_FROM_EPOLL[event & 31])
                except Exception:
                    self._failed(handler)
            elif fd == self._control_fd:
                control = True
        self._end_batch()
        return self._control.select(0) if control else []

    def close(self) -> None:
        super().close()
        self._epoll.close()


def _mask_of(event: int) -> int:
    """EPOLLIN is 1, EPOLLOUT 4, EPOLLERR 8, EPOLLHUP 16."""
    broken = event & 24
    return (READ if event & 1 or broken else 0) | (WRITE if event & 4 or broken else 0)


_FROM_EPOLL: Final = tuple(_mask_of(event) for event in range(32))
_TO_EPOLL: Final = (0, 1, 4, 5)


def serving_selector(clock: Callable[[], float]) -> ServingSelector:
    """The best one for this system."""
    return EpollSelector(clock) if hasattr(select, "epoll") else PlainSelector(clock)
