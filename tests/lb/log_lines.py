"""Reads log lines back: by Athena's own regular expression, and by a tokenizer that forgives nothing."""

import re

from services.lb.logs.entry import ConnectionEntry, Entry, HealthEntry

ATHENA = re.compile(
    r"([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) "
    r"(-|[-0-9]*) ([-0-9]*) ([-0-9]*) \"([^ ]*) (.*) (- |[^ ]*)\" \"([^\"]*)\" ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*) "
    r"\"([^\"]*)\" \"([^\"]*)\" \"([^\"]*)\" ([-.0-9]*) ([^ ]*) \"([^\"]*)\" \"([^\"]*)\" \"([^ ]*)\" \"([^\s]+?)\" "
    r"\"([^\s]+)\" \"([^ ]*)\" \"([^ ]*)\" ?([^ ]*)?( .*)?"
)
"""The input.regex of AWS's table for ALB access logs (ath:create-alb-access-logs-table)."""
QUOTED = (12, 13, 17, 18, 19, 22, 23, 24, 25, 26, 27, 28, 30, 31, 32)
"""Which of the 34 fields stand within quotes."""
TOKEN = re.compile(rb'"([\x20\x21\x23-\x7e]*)"|([\x21\x23-\x7e]+)')


def tokens(line: bytes) -> list[bytes]:
    """The fields of one whole line, exactly one space apart. Fails where a quoted field is not quoted, or the other way."""
    assert line.endswith(b"\n")
    found, position, end = [], 0, len(line) - 1
    while True:
        match = TOKEN.match(line, position, end)
        assert match is not None, line[position:]
        found.append(match[1] if match[1] is not None else match[2])
        position = match.end()
        if position == end:
            return found
        assert line[position : position + 1] == b" "
        position += 1


def quoted(line: bytes) -> list[int]:
    """Which fields stand within quotes."""
    return [index for index, match in enumerate(TOKEN.finditer(line)) if match[1] is not None]


def unescaped(value: bytes) -> bytes:
    """The inverse of the log's escaping."""
    return re.sub(rb"\\x([0-9A-F]{2})", lambda match: bytes.fromhex(match[1].decode()), value)


ARN = b"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/73e2d6bc24d8a067"

PLAIN = Entry(
    kind=b"http",
    created=100.0,
    ended=100.0048828125,
    client=b"10.0.0.9:2817",
    target=b"10.0.1.1:80",
    request_seconds=0.0,
    target_seconds=0.0012,
    response_seconds=0.0,
    elb_status=200,
    target_status=200,
    received=34,
    sent=366,
    request=b"GET / HTTP/1.1",
    scheme=b"http",
    host=b"www.example.com",
    port=80,
    agent=b"curl/7.46.0",
    tls_cipher=b"",
    tls_protocol=b"",
    sni=b"",
    certificate_arn=b"",
    group_arn=ARN,
    trace_id=b"Root=1-58337262-36d228ad5d99923122bbe354",
    priority=0,
    actions=b"forward",
    redirect_url=b"",
    error_reason=b"",
    classification=b"",
    classification_reason=b"",
    connection_id=b"TID_" + b"1234567890abcdef" * 2,
    transformed_host=b"",
    transformed_uri=b"",
    transform_status=b"",
)
CONNECTION = ConnectionEntry(
    at=100.25,
    client=b"10.0.0.9:64326",
    port=443,
    tls_protocol=b"TLSv1.2",
    tls_cipher=b"ECDHE-RSA-AES128-GCM-SHA256",
    handshake_seconds=0.337,
    subject=b"",
    validity=b"",
    serial_number=b"",
    verify_status=b"Success",
    connection_id=b"TID_" + b"0" * 32,
    key_exchange=b"secp256r1",
)
HEALTH = HealthEntry(b"http", 100.5, 0.0031, b"10.0.1.1:80", b"targetgroup/web/73e2d6bc24d8a067", True, 200, b"")
