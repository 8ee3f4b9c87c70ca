"""Sealed values, which open for their purpose only; shards of a long one; the load balancer's cookies in a head."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.lb.routing.cookies import SHARD_BYTES, Seal, joined, our_cookies, shards
from tests.lb.balancing import KEY

NOISE = random.Random(7).randbytes
SEAL = Seal(bytes.fromhex(KEY), NOISE)


@settings(deadline=None)
@given(st.binary(max_size=80).filter(lambda text: not text.endswith(b"\0")), st.binary(max_size=20))
def test_what_was_sealed_opens_for_its_purpose_only(text: bytes, purpose: bytes) -> None:
    value = SEAL.close(purpose, text)
    assert SEAL.open(purpose, value) == text
    assert b"=" not in value
    assert SEAL.open(purpose + b"x", value) is None
    assert Seal(bytes(32), NOISE).open(purpose, value) is None


@settings(deadline=None)
@given(st.binary(max_size=40), st.data())
def test_nothing_that_was_altered_opens(text: bytes, data: st.DataObject) -> None:
    value = SEAL.close(b"purpose", text.rstrip(b"\0"))
    at = data.draw(st.integers(0, len(value) - 1))
    kind = data.draw(st.sampled_from(["change", "drop", "insert", "cut"]))
    byte = bytes((data.draw(st.integers(0, 255)),))
    altered = {
        "change": value[:at] + byte + value[at + 1 :],
        "drop": value[:at] + value[at + 1 :],
        "insert": value[:at] + byte + value[at:],
        "cut": value[:at],
    }[kind]
    if altered != value:
        assert SEAL.open(b"purpose", altered) is None


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_nothing_that_was_made_up_opens(value: bytes) -> None:
    assert SEAL.open(b"purpose", value) is None


@settings(deadline=None)
@given(st.integers(1, 4 * SHARD_BYTES))
def test_shards_are_joined_again(length: int) -> None:
    value = (b"abcdefg" * (length // 7 + 1))[:length]
    pieces = shards(value)
    assert len(pieces) == 4
    assert all(len(piece) <= SHARD_BYTES for piece in pieces)
    assert joined({b"AWSALBAPP-%d" % index: piece for index, piece in enumerate(pieces)}) == value


def test_cookies_are_found_in_any_line_and_the_first_counts() -> None:
    head = (
        b"GET /AWSALB=1 HTTP/1.1\r\nX: AWSALB=2\r\ncookie: xAWSALB=3; AWSALB=4 ;AWSALBCORS=;\tAWSALBAPP-4=5"
        b"\r\nX-Cookie: AWSALBTG=6\r\nCOOKIE:AWSALBTG=7=8; AWSALB=9"
    )
    assert our_cookies(head) == {b"AWSALB": b"4", b"AWSALBCORS": b"", b"AWSALBTG": b"7=8"}
