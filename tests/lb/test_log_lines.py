"""Log lines are AWS's to the byte, and no client can forge one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.core.elbv2.health import FAILED, PASSED, TIMED_OUT, CheckResult, Matcher, answered
from services.lb.logs.access import AGENT_BYTES, AccessLines
from services.lb.logs.connection import ConnectionLines
from services.lb.logs.entry import NO_RULE, RULE_ERROR, Entry
from services.lb.logs.health import HealthLines, health_entry
from services.lb.logs.text import Stamps, cut, escaped, seconds
from tests.lb.log_lines import ARN, ATHENA, CONNECTION, HEALTH, PLAIN, QUOTED, quoted, tokens, unescaped

ELB = b"app/web/50dc6c495c0c9188"
DNS = b"web-1234567890.us-east-1.elb.amazonaws.com"
OFFSET = 1_530_570_080.0  # monotonic 100 is 2018-07-02T22:23:00Z


@pytest.fixture
def lines() -> AccessLines:
    return AccessLines(ELB, DNS, b"10.0.0.5", OFFSET)


def changed(**fields: Any) -> Entry:
    return PLAIN._replace(**fields)


def test_a_plain_line(lines: AccessLines) -> None:
    """Field by field AWS's own example of an HTTP entry (alb:load-balancer-access-logs), with the node's address."""
    assert lines.line(PLAIN) == (
        b"http 2018-07-02T22:23:00.004882Z app/web/50dc6c495c0c9188 10.0.0.9:2817 10.0.1.1:80 0.000 0.001 0.000 200 200 "
        b'34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - ' + ARN + b" "
        b'"Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:23:00.000000Z "forward" "-" "-" '
        b'"10.0.1.1:80" "200" "-" "-" TID_1234567890abcdef1234567890abcdef "-" "-" "-" 10.0.0.5\n'
    )


def test_a_request_that_could_not_be_read(lines: AccessLines) -> None:
    """As ALB logs one: seen in logs, not documented."""
    entry = changed(
        target=b"", request_seconds=-1.0, target_seconds=-1.0, response_seconds=-1.0, elb_status=400, target_status=0,
        received=0, sent=272, request=b"", host=b"", agent=b"", group_arn=b"", trace_id=b"", priority=NO_RULE, actions=b"",
    )  # fmt: skip
    assert lines.line(entry) == (
        b"http 2018-07-02T22:23:00.004882Z app/web/50dc6c495c0c9188 10.0.0.9:2817 - -1 -1 -1 400 - 0 272 "
        b'"- http://'
        + DNS
        + b':80- -" "-" - - - "-" "-" "-" - 2018-07-02T22:23:00.000000Z "-" "-" "-" "-" "-" "-" "-" '
        b'TID_1234567890abcdef1234567890abcdef "-" "-" "-" 10.0.0.5\n'
    )


def test_a_tls_line(lines: AccessLines) -> None:
    entry = changed(
        kind=b"h2", scheme=b"https", host=b"Shop.example:8443", port=443, request=b"GET /a?b=c HTTP/2.0",
        tls_cipher=b"ECDHE-RSA-AES128-GCM-SHA256", tls_protocol=b"TLSv1.2", sni=b"shop.example",
        certificate_arn=b"session-reused", priority=7, actions=b"waf,forward", redirect_url=b"https://x:443/",
        error_reason=b"", classification=b"Ambiguous", classification_reason=b"UndefinedContentLengthSemantics",
        transformed_host=b"a.example", transformed_uri=b"/x y", transform_status=b"TransformSuccess",
    )  # fmt: skip
    found = tokens(lines.line(entry))
    assert found[0] == b"h2"
    assert found[12:16] == [
        b"GET https://Shop.example:443/a?b=c HTTP/2.0",
        b"curl/7.46.0",
        entry.tls_cipher,
        b"TLSv1.2",
    ]
    assert found[18:21] == [b"shop.example", b"session-reused", b"7"]
    assert found[22:24] == [b"waf,forward", b"https://x:443/"]
    assert found[27:29] == [b"Ambiguous", b"UndefinedContentLengthSemantics"]
    assert found[30:33] == [b"a.example", b"/x\\x20y", b"TransformSuccess"]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"request": b"GET /q HTTP/1.1"}, b"GET http://www.example.com:80/q HTTP/1.1"),
        ({"host": b"a.example:8080"}, b"GET http://a.example:80/ HTTP/1.1"),
        ({"host": b"[::1]:8080"}, b"GET http://[::1]:80/ HTTP/1.1"),
        ({"host": b"[::1]"}, b"GET http://[::1]:80/ HTTP/1.1"),
        ({"host": b""}, b"GET http://" + DNS + b":80/ HTTP/1.1"),
        ({"host": b"a b"}, b"GET http://a\\x20b:80/ HTTP/1.1"),
        ({"scheme": b"wss", "port": 443}, b"GET wss://www.example.com:443/ HTTP/1.1"),
        ({"request": b"GET http://other/q?a=/ HTTP/1.1"}, b"GET http://www.example.com:80/q?a=/ HTTP/1.1"),
        ({"request": b"GET http://other HTTP/1.1"}, b"GET http://www.example.com:80/ HTTP/1.1"),
        ({"request": b"OPTIONS * HTTP/1.1"}, b"OPTIONS http://www.example.com:80* HTTP/1.1"),
        ({"request": b"GET /a b HTTP/1.1"}, b"GET http://www.example.com:80/a b HTTP/1.1"),
        ({"request": b'GET /?bar=" HTTP/1.1'}, b"GET http://www.example.com:80/?bar=\\x22 HTTP/1.1"),
        ({"request": b"GET /\xc3\xa9\n HTTP/1.1"}, b"GET http://www.example.com:80/\\xC3\\xA9\\x0A HTTP/1.1"),
        ({"request": b"GET /"}, b"GET http://www.example.com:80/ -"),
        ({"request": b"NONSENSE"}, b"NONSENSE http://www.example.com:80- -"),
    ],
)
def test_the_request_field(lines: AccessLines, fields: dict[str, Any], shown: bytes) -> None:
    assert tokens(lines.line(changed(**fields)))[12] == shown


@pytest.mark.parametrize(
    ("priority", "shown"), [(0, b"0"), (1, b"1"), (50000, b"50000"), (RULE_ERROR, b"-1"), (NO_RULE, b"-")]
)
def test_priorities(lines: AccessLines, priority: int, shown: bytes) -> None:
    assert tokens(lines.line(changed(priority=priority)))[20] == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-1.0, b" -1"), (0.0, b" 0.000"), (0.0004, b" 0.000"), (0.0006, b" 0.001"), (0.9996, b" 1.000"),
     (1.0, b" 1.000"), (59.9999, b" 60.000"), (3599.5, b" 3599.500")],
)  # fmt: skip
def test_seconds(lines: AccessLines, value: float, shown: bytes) -> None:
    assert seconds(value) == shown
    assert tokens(lines.line(changed(target_seconds=value)))[6] == shown[1:]


def test_an_agent_is_cut_and_never_within_an_escape(lines: AccessLines) -> None:
    agent = tokens(lines.line(changed(agent=b"a" * 9000)))[13]
    assert agent == b"a" * AGENT_BYTES
    agent = tokens(lines.line(changed(agent=b"a" * (AGENT_BYTES - 2) + b"\x01\x02")))[13]
    assert agent == b"a" * (AGENT_BYTES - 2)


@pytest.mark.parametrize(
    ("value", "size", "left"),
    [(b"abc", 3, b"abc"), (b"abcd", 3, b"abc"), (b"a\\x01", 4, b"a"), (b"a\\x01", 2, b"a"), (b"a\\x01b", 5, b"a\\x01")],
)
def test_cuts(value: bytes, size: int, left: bytes) -> None:
    assert cut(value, size) == left


def test_times_are_those_of_the_wall_clock(lines: AccessLines) -> None:
    stamps = Stamps()
    for second in range(200):
        assert stamps.micros(float(second)) == b"1970-01-01T00:%02d:%02d.000000Z" % divmod(second, 60)
    lines.offset = 0.0
    found = tokens(lines.line(changed(created=1.9996, ended=86400.25)))
    assert (found[1], found[21]) == (b"1970-01-02T00:00:00.250000Z", b"1970-01-01T00:00:01.999000Z")


@pytest.mark.parametrize(
    ("result", "reason"),
    [(PASSED, b""), (TIMED_OUT, b"TimedOut"), (FAILED, b"ConnectionReset"),
     (answered(503, Matcher("200")), b"ResponseCodeMismatch"), (CheckResult(False, "New.Word"), b"InternalError")],
)  # fmt: skip
def test_every_result_of_a_check_has_a_word(result: CheckResult, reason: bytes) -> None:
    entry = health_entry(b"http", 1.0, 0.5, "10.0.1.1:80", ARN.decode(), 0, result.reason)
    assert (entry.passed, entry.reason) == (result.passed, reason)
    assert (entry.target, entry.group) == (b"10.0.1.1:80", b"targetgroup/web/73e2d6bc24d8a067")


# Whatever a client sends.

TEXT = st.binary(max_size=60) | st.text(alphabet='"\\ \r\n\0é-:/x', max_size=30).map(str.encode)


@given(
    st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT),
    st.tuples(st.floats(-1, 4000), st.floats(-1, 4000), st.integers(100, 599), st.integers(0, 1 << 40)),
)
def test_no_client_forges_a_field_or_a_line(said: tuple[bytes, ...], measured: tuple[float, float, int, int]) -> None:
    request, host, agent, trace_id, sni, redirect_url, transformed_host, transformed_uri = said
    target_seconds, ended, status, received = measured
    entry = changed(
        request=request, host=host, agent=agent, trace_id=trace_id, sni=sni, redirect_url=redirect_url,
        transformed_host=transformed_host, transformed_uri=transformed_uri, transform_status=b"TransformSuccess",
        target_seconds=target_seconds, ended=100.0 + abs(ended), elb_status=status, received=received,
    )  # fmt: skip
    line = AccessLines(ELB, DNS, b"10.0.0.5", OFFSET).line(entry)
    assert line.count(b"\n") == 1
    fields = tokens(line)
    assert len(fields) == 34
    assert quoted(line) == list(QUOTED)
    match = ATHENA.fullmatch(line.decode("ascii").rstrip("\n"))
    assert match is not None
    assert match[34] == entry.connection_id.decode()
    assert match[35] is not None
    assert match[35].endswith(" 10.0.0.5")
    assert unescaped(fields[13]) == (agent or b"-")
    assert unescaped(fields[17]) == (trace_id or b"-")
    assert unescaped(fields[18]) == (sni or b"-")
    assert unescaped(fields[31]) == (transformed_uri or b"-")


@given(TEXT)
def test_escapes_can_be_read_back(value: bytes) -> None:
    assert unescaped(escaped(value)) == value
    assert b'"' not in escaped(value)


@given(TEXT.filter(lambda value: b" " not in value), st.sampled_from([b"GET", b"POST"]))
def test_athena_reads_the_parts_of_a_request(path: bytes, method: bytes) -> None:
    entry = changed(request=b"%b /%b HTTP/1.1" % (method, path))
    match = ATHENA.fullmatch(AccessLines(ELB, DNS, b"10.0.0.5", OFFSET).line(entry).decode().rstrip("\n"))
    assert match is not None
    assert match.group(15, 17) == (method.decode(), "HTTP/1.1")
    assert unescaped(match[16].encode()) == b"http://www.example.com:80/" + path


# The other two logs.


def test_a_connection() -> None:
    lines = ConnectionLines(ELB, b"10.0.0.5", OFFSET)
    assert lines.line(CONNECTION) == (
        b"2018-07-02T22:23:00.250000Z 10.0.0.9 64326 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 0.337 "
        b'"-" - - Success TID_00000000000000000000000000000000 secp256r1 app/web/50dc6c495c0c9188 10.0.0.5\n'
    )


def test_a_connection_without_tls() -> None:
    """As ALB logs one: seen in logs."""
    nothing = CONNECTION._replace(
        port=80, tls_protocol=b"", tls_cipher=b"", handshake_seconds=-1.0, verify_status=b"", key_exchange=b""
    )
    assert ConnectionLines(ELB, b"10.0.0.5", OFFSET).line(nothing) == (
        b'2018-07-02T22:23:00.250000Z 10.0.0.9 64326 80 - - - "-" - - - TID_00000000000000000000000000000000 - '
        b"app/web/50dc6c495c0c9188 10.0.0.5\n"
    )


@given(TEXT, TEXT)
def test_no_certificate_forges_a_field(subject: bytes, serial_number: bytes) -> None:
    entry = CONNECTION._replace(subject=subject, serial_number=serial_number)
    found = tokens(ConnectionLines(ELB, b"10.0.0.5", OFFSET).line(entry))
    assert len(found) == 15
    assert unescaped(found[7]) == (subject or b"-")


@pytest.mark.parametrize(
    ("changes", "middle"),
    [
        ({}, b"PASS 200 -"),
        ({"passed": False, "status_code": 503, "reason": b"ResponseCodeMismatch"}, b"FAIL 503 ResponseCodeMismatch"),
        ({"passed": False, "status_code": 0, "reason": b"TimedOut"}, b"FAIL - TimedOut"),
    ],
)
def test_a_health_check(changes: dict[str, Any], middle: bytes) -> None:
    assert HealthLines(ELB, b"10.0.0.5", OFFSET).line(HEALTH._replace(**changes)) == (
        b"http 2018-07-02T22:23:00.500000Z 0.003 10.0.1.1:80 targetgroup/web/73e2d6bc24d8a067 "
        + middle
        + b" app/web/50dc6c495c0c9188 10.0.0.5\n"
    )
