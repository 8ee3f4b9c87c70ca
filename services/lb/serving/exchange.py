"""One request on its way, from its head to its outcome: what a connection of HTTP/1.1 and a stream of HTTP/2 have in common.

It chooses the action by the configuration in force at its head and never looks again, sends the request to a target or answers
itself, and ends in exactly one `Outcome`, which is counted and logged once. How bytes get to the client is the subclass's.
"""

from abc import ABCMeta, abstractmethod
from typing import TYPE_CHECKING, Final

from services.lb.http1 import desync
from services.lb.http1.desync import COMPLIANT
from services.lb.http1.forwarding import too_many_forwards, trace_value, transformed
from services.lb.http1.framing import drop_named
from services.lb.http1.request_line import GET, Request
from services.lb.http1.response_head import Response
from services.lb.http1.responses import Answer, error_page, fixed_response, redirect
from services.lb.routing.forward import Choice
from services.lb.routing.table import Route
from services.lb.serving.front import Front
from services.lb.serving.outcome import VERDICTS, Cause, Outcome, Phase
from services.lb.serving.upstream import CONNECT_SECONDS, CONNECTING, Upstream, connect
from services.lb.sockets.endpoint import Endpoint, Owner
from services.lb.targets.target import TargetState

if TYPE_CHECKING:
    from services.lb.serving.peer import Peer
    from services.lb.serving.plane import Plane

NOTHING: Final = Request(GET, b"", b"/", b"")
"""Stands for a request whose head could not be read."""
_RESPONSE_COMPLETE: Final = Outcome(Phase.RESPONSE, Cause.COMPLETE)


class Exchange(Owner, metaclass=ABCMeta):  # ABC as a base would give each instance a dictionary when compiled
    """Fields of the request under way are set anew by `open`. Seconds are of the data plane's clock. `spliced` and
    `switch_protocols` are not abstract: no stream of HTTP/2 comes to them."""

    __slots__ = (
        "actions", "answered_at", "choice", "closes", "created", "dispatched", "front", "is_grpc", "kind", "new_host",
        "new_target", "peer", "plane", "received_bytes", "redirect_url", "request", "route", "sent_bytes", "status",
        "target", "target_status", "trace", "transform_status", "upstream",
    )  # fmt: skip

    def __init__(self, plane: "Plane", peer: "Peer") -> None:
        self.plane = plane
        self.peer = peer
        self.request = NOTHING
        self.upstream: Upstream | None = None
        self.front: Front | None = None
        self.route: Route | None = None
        self.choice: Choice | None = None
        self.kind = b"http"  # as the access log has it
        self.is_grpc = False  # a call that only targets of gRPC understand
        self.target: TargetState | None = None
        self.created = 0.0
        self.dispatched = -1.0  # when a target's connection had the request's head
        self.answered_at = 0.0
        self.received_bytes = 0
        self.sent_bytes = 0
        self.closes = False  # desync mitigation ends both connections with this answer
        self.status = 0  # of the answer whose head has been sent; 0: none yet
        self.target_status = 0
        self.trace = b""
        self.actions = b""
        self.redirect_url = b""  # of the last redirect; likewise what follows, of the last transform
        self.new_host = b""
        self.new_target = b""
        self.transform_status = b""

    # What a protocol gives.

    @property
    @abstractmethod
    def request_sent(self) -> bool:
        """Whether the whole request has been read and passed on."""

    @property
    @abstractmethod
    def is_blocked(self) -> bool:
        """Whether the client does not take what it is sent."""

    @property
    @abstractmethod
    def wants_plain_body(self) -> bool:
        """Whether chunks are to be taken apart: the client's protocol frames bodies otherwise."""

    @property
    @abstractmethod
    def plain_link(self) -> Endpoint | None:
        """The client's connection, where a body may go to it as it is."""

    def spliced(self, count: int) -> None:
        """So many bytes of the answer's body have gone to the client without being seen."""
        raise NotImplementedError

    @abstractmethod
    def pause(self) -> None:
        """Read no more of the request's body for now."""

    @abstractmethod
    def resume(self) -> None:
        """Read on."""

    @abstractmethod
    def answer(self, answer: Answer, last: bool) -> None:
        """Send an answer of the load balancer's own; `last`: the connection ends with it."""

    @abstractmethod
    def conclude(self) -> None:
        """The answer has been handed over and the exchange has been logged: go on to whatever comes next."""

    @abstractmethod
    def cut(self) -> None:
        """An answer is under way and cannot be completed, or nobody is there: end, and make sure it does not look complete."""

    @abstractmethod
    def interim(self, head: bytes) -> None:
        """Relay a 1xx answer; `head` without the final CRLF CRLF."""

    @abstractmethod
    def begin_answer(self, response: Response, data: bytes, end: int) -> None:
        """Relay the beginning of a target's answer, as `response` gets it."""

    @abstractmethod
    def relay(self, data: bytes) -> None:
        """More of the answer's body."""

    def switch_protocols(self, status: int, head: bytes, rest: bytes) -> None:
        """The target said 101 in `head`, here without its end and without Connection: from here on bytes are relayed unread,
        both ways. `rest` is what it has sent already."""
        raise NotImplementedError

    # A request.

    def open(self, request: Request, received: int) -> None:
        """Begin with a request that came in `received` bytes."""
        self.request = request
        self.created = self.plane.selector.now
        self.dispatched = -1.0
        self.received_bytes = received
        self.sent_bytes = 0
        self.status = 0
        self.target_status = 0
        self.target = None
        self.front = None
        self.route = None
        self.choice = None
        self.closes = False
        self.trace = b""
        self.actions = b""

    def dispatch(self, body: bytes, complete: bool) -> None:
        """Do what the listener's rules say. `body` is what there is of the request's body, `complete` whether it is all."""
        plane = self.plane
        request = self.request
        peer = self.peer
        front = plane.fronts.get(peer.port)
        self.front = front
        if front is None:
            self.fail(Cause.NO_TARGETS)
            return
        if plane.selector.held and plane.limits.overloaded:
            self.fail(Cause.OVERLOADED)
            return
        if request.unusual or front.reserved:
            cause = self._look_closer(request, front)
            if cause is not None:
                self.fail(cause)
                return
        route = front.only
        if route is None:
            rules = front.rules
            found = rules.matcher.find(
                request.method.name, request.target, request.host, request.original, peer.address
            )
            route = rules.routes[found]
            plane.counters.evaluations += route.evaluations
        self.route = route
        balancer = route.balancer
        if balancer is not None:
            self.actions = b"forward"
            target = balancer.pick(plane.selector.now)
            if balancer.failing_open and target is not None:
                target.counters.add("UnhealthyRoutingRequestCount")
        else:
            if not self._follow(route, request):
                return
            target = self._choose(route, request)
        if self.is_grpc:
            self.fail(Cause.INCOMPATIBLE_PROTOCOL)
            return
        if target is None:
            self.fail(Cause.NO_TARGETS)
            return
        target.requests += 1
        self.target = target
        self.trace = trace = plane.trace_ids.root()
        if request.trace_id:
            self.trace = trace = trace_value(request.trace_id, trace)
        if target.pool:
            upstream = target.pool.pop()
        else:
            made = connect(target, plane.selector)
            if isinstance(made, Cause):
                self.fail(made, Phase.CONNECT)
                return
            upstream = made
        self.upstream = upstream
        if peer.front is not front:
            peer.enter(front)
        head = front.writer.write(request, peer.fields, trace)
        upstream.begin(self, head + body if body else head, complete, request.method.idempotent)
        if not complete and upstream.is_blocked:
            self.pause()

    def _follow(self, route: Route, request: Request) -> bool:
        """Do what a route says that is more than forwarding. Whether the request goes to a target."""
        if route.fixed is not None:
            self.actions = b"fixed-response"
            self._answer(fixed_response(route.fixed), Cause.FIXED_RESPONSE)
            return False
        host = request.host if request.host is not None else self.plane.table.dns_name
        if route.redirection is not None:
            self.actions = b"redirect"
            location = route.redirection.location(self.peer.scheme, host, self.peer.port, request.target)
            if location is None:
                self.fail(Cause.REDIRECT_TOO_LONG)
            else:
                self.redirect_url = location
                self._answer(redirect(route.redirection.status, location.decode("latin-1")), Cause.REDIRECT)
            return False
        self.actions = b"forward"
        if route.transforms is not None:
            self.actions = b"rewrite,forward"
            changed = route.transforms.apply(host, request.target)
            if changed is None:
                self.transform_status = b"TransformReplaceError"
                self.fail(Cause.REWRITE_FAILED)
                return False
            self.new_host, self.new_target = changed
            self.transform_status = b"TransformSuccess"
            transformed(request, self.new_host, self.new_target)
        return True

    def _choose(self, route: Route, request: Request) -> TargetState | None:
        """The target where it takes more than a turn of a ring."""
        assert route.forward is not None
        plane = self.plane
        choice = route.forward.choose(request.head, plane.selector.now, plane.wall())
        self.choice = choice
        if choice.missed:
            plane.counters.add("NonStickyRequestCount")
        if choice.group is not None and choice.group.failing_open:
            choice.group.counters.add("UnhealthyRoutingRequestCount")
        return choice.target

    def _answer(self, answer: Answer, cause: Cause) -> None:
        self.status = answer.status
        self.answer(answer, False)
        self._end(Outcome(Phase.REQUEST, cause))
        self.conclude()

    def _look_closer(self, request: Request, front: Front) -> Cause | None:
        """What only some requests need: why one is refused, counts of what is unusual."""
        counters = self.plane.counters
        if request.odd is not None:
            counters.add(front.writer.invalid_fields(request))
        if request.forwarded_for and too_many_forwards(request.forwarded_for):
            return Cause.TOO_MANY_FORWARDS
        if request.finding is not COMPLIANT:
            counters.add("DesyncMitigationMode_NonCompliant_Request_Count")
            if desync.is_blocked(request.finding.tier, front.desync_mode):
                return Cause.DESYNC
            self.closes = desync.closes(request.finding.tier, front.desync_mode)
        if front.reserved:
            lines = request.head.split(b"\r\n")
            drop_named(lines, front.reserved)
            request.head = b"\r\n".join(lines)
        return None

    def body_received(self, body: bytes) -> None:
        """More of the request's body, as it goes to the target."""
        upstream = self.upstream
        if upstream is not None:
            upstream.send_body(body)
            if upstream.is_blocked and not self.request_sent:
                self.pause()

    # From the target's connection.

    def target_drained(self) -> None:
        if not self.request_sent:
            self.resume()

    def response(self, response: Response, data: bytes, end: int) -> None:
        """A final answer begins. `data` is what there is of it, as it goes on: `end` bytes of head, an empty line, body."""
        upstream = self.upstream
        assert upstream is not None
        now = self.plane.selector.now
        self.answered_at = now
        self.target_status = self.status = response.status
        upstream.target.counters.answered(response.status, now - upstream.since)
        front = self.front
        if self.choice is not None or (front is not None and front.response_lines):
            head = self._with_fields(data[:end])
            data, end = head + data[end:], len(head)
        self.begin_answer(response, data, end)

    def _with_fields(self, head: bytes) -> bytes:
        """What the load balancer says in a target's answer: cookies of sessions, fields of the listener."""
        choice, front = self.choice, self.front
        if choice is not None:
            head += choice.set_cookies(head)
            self.choice = None
        if front is not None and front.response_lines:
            lines = head.split(b"\r\n")
            drop_named(lines, front.response_names)
            head = b"\r\n".join(lines) + front.response_lines
        return head

    def response_complete(self) -> None:
        plane = self.plane
        plane.counters.processed += self.received_bytes + self.sent_bytes
        plane.record(self, _RESPONSE_COMPLETE)
        self.upstream = None
        self.conclude()

    def send_again(self, target: TargetState, data: bytes) -> None:
        """The pooled connection was closed all along: see the retry rule in services.lb.serving.upstream."""
        self.upstream = None
        upstream = connect(target, self.plane.selector)
        if isinstance(upstream, Cause):
            self.fail(upstream, Phase.CONNECT)
        else:
            self.upstream = upstream
            upstream.begin(self, data, True, False)

    # Ends.

    def phase(self) -> Phase:
        if self.upstream is None:
            return Phase.REQUEST
        if self.upstream.state is CONNECTING:
            return Phase.CONNECT
        return Phase.RESPONSE if self.status else Phase.WAIT

    def fail(self, cause: Cause, phase: Phase | None = None) -> None:
        """The request ends without a target's whole answer."""
        outcome = Outcome(phase or self.phase(), cause)
        verdict = VERDICTS[outcome]
        if verdict.status is not None:
            self.status = verdict.status
            self.answer(error_page(verdict.status), cause in ENDS_CONNECTION)
        elif verdict.logged:
            self.status = verdict.logged
        self._end(outcome)
        self.drop_target(failed=cause in TARGETS_FAULT)
        if verdict.status is None:
            self.cut()
        else:
            self.conclude()

    def lost(self, cause: Cause) -> None:
        """The request ends with its connection, without a word."""
        self._end(Outcome(self.phase(), cause))

    def drop_target(self, *, failed: bool) -> None:
        upstream = self.upstream
        if upstream is not None:
            self.upstream = None
            upstream.detach(failed=failed)

    def _end(self, outcome: Outcome) -> None:
        plane = self.plane
        counters = plane.counters
        counters.processed += self.received_bytes + self.sent_bytes
        counters.ended(outcome, self.target.counters if self.target is not None else None)
        plane.record(self, outcome)

    def check_target(self, now: float) -> bool:
        """Whether the target has to be connected to yet; ends the exchange when that has taken too long."""
        upstream = self.upstream
        if upstream is None or upstream.state is not CONNECTING:
            return False
        if now - upstream.since > CONNECT_SECONDS:
            self.fail(Cause.TARGET_IDLE)
        return True


TARGETS_FAULT: Final = frozenset(
    {
        Cause.TARGET_UNREACHABLE,
        Cause.TARGET_TLS_FAILED,
        Cause.TARGET_CLOSED,
        Cause.TARGET_MALFORMED,
        Cause.TARGET_IDLE,
    }
)
ENDS_CONNECTION: Final = frozenset({Cause.DESYNC, Cause.TOO_MANY_FORWARDS})
