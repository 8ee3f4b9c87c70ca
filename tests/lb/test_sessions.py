"""Cookies that keep a client with its target or its target group."""

import random
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.core.elbv2.config import Stickiness, TargetGroup
from lab.core.elbv2.rules import Forward, PathPattern, Rule
from services.lb.cookies import REMOVED, SHARD_BYTES, Seal, joined, our_cookies, shards
from services.lb.forward import Choice
from tests.lb.balancing import GROUP, KEY, Bench, document, group, target

OTHER = "arn:other"
WALL = 1_700_000_000.0
LB = Stickiness(3600.0)
APP = Stickiness(3600.0, app=True, cookie="JSESSIONID")
PLAIN_ANSWER = b"HTTP/1.1 200 OK"
APP_ANSWER = b"HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=abc; Path=/"


class Browser:
    """Keeps cookies by name, as a browser does; `wall` is its time of day and the node's."""

    def __init__(self, lab: Bench, rule: int = 0) -> None:
        self.lab = lab
        self.rule = rule
        self.cookies: dict[bytes, bytes] = {}
        self.wall = WALL
        self.lines: list[bytes] = []

    def head(self, extra: bytes = b"") -> bytes:
        cookies = b"; ".join(b"%b=%b" % pair for pair in self.cookies.items())
        return b"GET / HTTP/1.1\r\nHost: a" + extra + (b"\r\nCookie: " + cookies if cookies else b"")

    def ask(self, answer: bytes = PLAIN_ANSWER, extra: bytes = b"") -> Choice:
        assert self.lab.table is not None
        route = self.lab.table.listeners[80]._routes[self.rule]
        assert route.forward is not None
        choice = route.forward.choose(self.head(extra), self.lab.now, self.wall)
        self.lines = (choice.set_cookies(answer) + answer[15:]).split(b"\r\n")[1:]
        for line in self.lines:
            match = re.match(rb"Set-Cookie: ([^=]+)=([^;]*)", line)
            assert match is not None
            self.cookies[match[1]] = match[2]
        return choice

    def target(self, answer: bytes = PLAIN_ANSWER) -> str | None:
        found = self.ask(answer).target
        return found.id if found is not None else None


def bench(*numbers: int, stickiness: Stickiness | None = LB, **changes: Any) -> Bench:
    lab = Bench()
    lab.load(document(group(*(target(number) for number in numbers), stickiness=stickiness), **changes))
    lab.health(*numbers)
    return lab


def test_a_client_stays_with_its_target() -> None:
    lab = bench(1, 2, 3)
    browsers = [Browser(lab) for _ in range(6)]
    homes = [browser.target() for browser in browsers]
    assert Counter(homes) == {"i-1": 2, "i-2": 2, "i-3": 2}
    for _ in range(3):
        assert [browser.target() for browser in browsers] == homes


def test_the_lines_are_as_aws_writes_them() -> None:
    browser = Browser(bench(1))
    browser.ask()
    value = browser.cookies[b"AWSALB"]
    assert re.fullmatch(rb"[A-Za-z0-9+/]+", value)
    assert browser.lines == [
        b"Set-Cookie: AWSALB=%b; Expires=Tue, 21 Nov 2023 22:13:20 GMT; Path=/" % value,
        b"Set-Cookie: AWSALBCORS=%b; Expires=Tue, 21 Nov 2023 22:13:20 GMT; Path=/; SameSite=None; Secure" % value,
    ]


def test_misses_are_told() -> None:
    lab = bench(1, 2)
    browser = Browser(lab)
    assert browser.ask().missed
    assert not browser.ask().missed
    browser.cookies = {b"AWSALB": b"rubbish"}
    assert browser.ask().missed
    lab.load(document(group(target(1), target(2))))
    assert not Browser(lab).ask().missed
    nobody = bench()
    assert not Browser(nobody).ask().missed


def test_the_cors_twin_wins_and_either_will_do() -> None:
    lab = bench(1, 2)
    one, two = Browser(lab), Browser(lab)
    assert (one.target(), two.target()) == ("i-1", "i-2")
    one.cookies[b"AWSALBCORS"] = two.cookies[b"AWSALB"]
    assert one.target() == "i-2"
    del two.cookies[b"AWSALB"]
    assert two.target() == "i-2"
    del two.cookies[b"AWSALBCORS"]
    assert two.target() == "i-2"


def test_a_session_ends_with_its_duration_and_each_answer_starts_it_anew() -> None:
    browser = Browser(bench(1, 2, 3))
    home = browser.target()
    for _ in range(3):
        browser.wall += 3599
        assert browser.target() == home
    browser.wall += 3600
    assert browser.ask().missed


def test_durations_are_lab_time() -> None:
    browser = Browser(bench(1, 2, speed=60.0))
    browser.ask()
    browser.wall += 59
    assert not browser.ask().missed
    browser.wall += 60
    assert browser.ask().missed


@pytest.mark.parametrize("fate", ["ill", "draining", "gone"])
def test_when_its_target_fails_a_client_moves_and_does_not_come_back(fate: str) -> None:
    lab = bench(1, 2, 3)
    browser = Browser(lab)
    assert browser.target() == "i-1"
    if fate == "ill":
        lab.health(1, healthy=False)
    else:
        left = [target(1, draining=True)] if fate == "draining" else []
        lab.load(document(group(*left, target(2), target(3), stickiness=LB)))
    choice = browser.ask()
    assert choice.missed
    assert choice.target is not None
    home = choice.target.id
    assert home in ("i-2", "i-3")
    lab.load(document(group(target(1), target(2), target(3), stickiness=LB)))
    lab.health(1)
    assert [browser.target() for _ in range(3)] == [home] * 3


def test_failing_open_sessions_stay() -> None:
    lab = bench(1, 2, 3)
    browser = Browser(lab)
    assert browser.target() == "i-1"
    lab.health(1, 2, 3, healthy=False)
    assert [browser.target() for _ in range(3)] == ["i-1"] * 3


def test_two_ports_of_one_instance_are_two_targets() -> None:
    lab = Bench()
    lab.load(document(group(target(1, port=80, dial_port=1), target(1, port=81, dial_port=2), stickiness=LB)))
    for member in lab.group().members:
        member.health = member.health.__class__(member.health.state.HEALTHY)
    lab.group().refresh(lab.now)
    one, two = Browser(lab), Browser(lab)
    ports = [choice.target.port for choice in (one.ask(), two.ask()) if choice.target]
    assert ports == [80, 81]
    again = [choice.target.port for choice in (one.ask(), two.ask(), one.ask()) if choice.target]
    assert again == [80, 81, 80]


def test_nodes_share_sessions_and_load_balancers_do_not() -> None:
    browser = Browser(bench(1, 2, 3))
    assert browser.target() == "i-1"
    second = Bench(seed=2)
    second.load(document(group(target(1), target(2), target(3), stickiness=LB)))
    second.health(1, 2, 3)
    Browser(second).ask()
    browser.lab = second
    assert browser.target() == "i-1"
    second.load(document(group(target(1), target(2), target(3), stickiness=LB), cookie_key="aa" * 32))
    assert browser.ask().missed


def test_without_a_key_nothing_is_sticky() -> None:
    lab = bench(1, 2, cookie_key="")
    assert lab.table is not None
    assert lab.table.listeners[80].only is not None
    assert lab.table.listeners[80].only.balancer is not None


# Target groups.


def two_groups(first: int = 1, second: int = 1, stickiness: float | None = 600.0, **changes: Any) -> Bench:
    lab = Bench()
    groups = (
        group(target(1), target(2), **changes),
        group(target(3), target(4), arn=OTHER, name="other", **changes),
    )
    lab.load(document(*groups, action=Forward(((GROUP, first), (OTHER, second)), stickiness)))
    lab.health(1, 2)
    lab.health(3, 4, arn=OTHER)
    return lab


def test_a_client_stays_with_its_group() -> None:
    lab = two_groups()
    browsers = [Browser(lab) for _ in range(4)]
    homes = [browser.ask().group for browser in browsers]
    assert Counter(home.arn for home in homes if home) == {GROUP: 2, OTHER: 2}
    assert [line.partition(b"=")[0] for line in browsers[0].lines] == [
        b"Set-Cookie: AWSALBTG",
        b"Set-Cookie: AWSALBTGCORS",
    ]
    found = [browsers[0].target() for _ in range(4)]
    assert len(set(found)) == 2
    for _ in range(3):
        assert [browser.ask().group for browser in browsers] == homes
    browsers[0].wall += 601
    browsers[0].ask()
    assert set(two_groups(stickiness=None).picks(2)) == {"i-1", "i-2"}


def test_a_client_stays_with_its_group_and_target() -> None:
    lab = two_groups(stickiness=600.0)
    sticky = Bench()
    sticky.load(
        document(
            group(target(1), target(2), stickiness=LB),
            group(target(3), target(4), arn=OTHER, stickiness=LB),
            action=Forward(((GROUP, 1), (OTHER, 1)), 600.0),
        )
    )
    sticky.health(1, 2)
    sticky.health(3, 4, arn=OTHER)
    browser = Browser(sticky)
    home = browser.target()
    assert set(browser.cookies) == {b"AWSALBTG", b"AWSALBTGCORS", b"AWSALB", b"AWSALBCORS"}
    Browser(sticky).ask()
    assert [browser.target() for _ in range(4)] == [home] * 4
    assert lab.table is not None


def test_a_group_at_weight_0_keeps_its_clients_and_gets_no_new_ones() -> None:
    lab = two_groups(1, 1)
    browsers = [Browser(lab) for _ in range(4)]
    homes = [browser.ask().group for browser in browsers]
    names = [home.arn for home in homes if home]
    lab.load(
        document(
            group(target(1), target(2)),
            group(target(3), target(4), arn=OTHER),
            action=Forward(((GROUP, 0), (OTHER, 1)), 600.0),
        )
    )
    assert [choice.group.arn for choice in (browser.ask() for browser in browsers) if choice.group] == names
    fresh = [Browser(lab).ask().group for _ in range(5)]
    assert {found.arn for found in fresh if found} == {OTHER}


def test_a_group_without_targets_is_not_failed_over() -> None:
    lab = Bench()
    lab.load(
        document(group(), group(target(3), arn=OTHER), action=Forward(((GROUP, 1), (OTHER, 1)))),
    )
    lab.health(3, arn=OTHER)
    found = [Browser(lab).ask() for _ in range(10)]
    assert Counter(choice.target.id if choice.target else None for choice in found) == {None: 5, "i-3": 5}
    assert all(choice.group is not None for choice in found)
    lab.load(document(group(), group(arn=OTHER), action=Forward(((GROUP, 0), (OTHER, 0)))))
    nobody = Browser(lab).ask()
    assert (nobody.group, nobody.target, nobody.set_cookies(PLAIN_ANSWER)) == (None, None, b"")


def test_weights_go_on_when_the_configuration_is_replaced() -> None:
    groups = (group(target(1)), group(target(3), arn=OTHER))
    lab = Bench()
    found = []
    for _ in range(12):
        lab.load(document(*groups, action=Forward(((GROUP, 3), (OTHER, 1)))))
        lab.health(1)
        lab.health(3, arn=OTHER)
        found.append(Browser(lab).target())
    assert Counter(found) == {"i-1": 9, "i-3": 3}


# The application's cookie.


def test_an_application_cookie_makes_a_session() -> None:
    lab = bench(1, 2, 3, stickiness=APP)
    browser = Browser(lab)
    first = browser.ask()
    assert first.missed
    assert browser.cookies == {b"AWSALBAPP-%d" % index: REMOVED for index in range(4)}
    home = browser.target(APP_ANSWER)
    assert set(browser.cookies) == {b"JSESSIONID", *(b"AWSALBAPP-%d" % index for index in range(4))}
    assert browser.lines[0].endswith(b"; Expires=Tue, 21 Nov 2023 22:13:20 GMT; Path=/")
    for _ in range(4):
        browser.wall += 3599
        assert browser.target() == home


@pytest.mark.parametrize("lost", [b"JSESSIONID", b"AWSALBAPP-0"])
def test_both_cookies_must_come_back(lost: bytes) -> None:
    browser = Browser(bench(1, 2, 3, stickiness=APP))
    browser.ask(APP_ANSWER)
    assert not browser.ask().missed
    del browser.cookies[lost]
    assert browser.ask().missed
    assert browser.cookies[b"AWSALBAPP-0"] == REMOVED


def test_an_application_session_expires_and_moves() -> None:
    lab = bench(1, 2, stickiness=APP)
    browser = Browser(lab)
    home = browser.target(APP_ANSWER)
    browser.wall += 3601
    assert browser.ask().missed
    assert browser.cookies[b"AWSALBAPP-0"] == REMOVED
    home = browser.target(APP_ANSWER)
    assert home is not None
    lab.health(int(home[2:]), healthy=False)
    moved = browser.target()
    assert moved != home
    lab.health(int(home[2:]))
    assert [browser.target() for _ in range(3)] == [moved] * 3


def test_another_cookie_of_the_application_is_none() -> None:
    browser = Browser(bench(1, stickiness=APP))
    browser.ask(b"HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID2=abc\r\nSet-Cookie: xJSESSIONID=abc")
    assert browser.cookies[b"AWSALBAPP-0"] == REMOVED


def test_one_cookie_holds_the_sessions_of_several_groups() -> None:
    lab = Bench()
    first = Rule("arn:rule", 1, (PathPattern(("/x",)),), Forward(((OTHER, 1),)))
    shop = Stickiness(60.0, app=True, cookie="SHOP")
    groups = (group(target(1), target(2), stickiness=APP), group(target(3), target(4), arn=OTHER, stickiness=shop))
    lab.load(document(*groups, rules=(first,)))
    lab.health(1, 2)
    lab.health(3, 4, arn=OTHER)
    browser = Browser(lab, rule=1)
    home = browser.target(APP_ANSWER)
    browser.rule = 0
    other = browser.target(b"HTTP/1.1 200 OK\r\nSet-Cookie: SHOP=1")
    for _ in range(3):
        browser.rule = 1
        assert browser.target() == home
        browser.rule = 0
        assert browser.target() == other
    browser.wall += 61
    assert browser.ask().missed
    browser.rule = 1
    assert browser.target() == home


def test_application_cookies_do_not_work_with_several_groups() -> None:
    lab = two_groups(stickiness=None)
    sticky = Bench()
    sticky.load(
        document(
            group(target(1), target(2), stickiness=APP),
            group(target(3), arn=OTHER),
            action=Forward(((GROUP, 1), (OTHER, 1))),
        )
    )
    sticky.health(1, 2)
    browser = Browser(sticky)
    browser.ask(APP_ANSWER)
    assert set(browser.cookies) <= {b"JSESSIONID"}
    assert lab.table is not None


@pytest.mark.parametrize(
    ("extra", "cross_site"),
    [
        (b"", False),
        (b"\r\nUser-Agent: Mozilla/5.0 Chrome/120.0", False),
        (b"\r\nOrigin: https://a\r\nUser-Agent: Mozilla/5.0 Chrome/120.0 Safari/537", True),
        (b"\r\nOrigin: https://a\r\nUser-Agent: Chromium/80", True),
        (b"\r\nOrigin: https://a\r\nUser-Agent: Chrome/79.9", False),
        (b"\r\nOrigin: https://a\r\nUser-Agent: Firefox/130", False),
    ],
)
def test_cross_origin_requests_of_strict_browsers(extra: bytes, cross_site: bool) -> None:
    browser = Browser(bench(1, stickiness=APP))
    browser.ask(APP_ANSWER, extra)
    assert browser.lines[0].endswith(b"; SameSite=None; Secure") is cross_site
    assert not browser.lines[1].endswith(b"; SameSite=None; Secure")


# Sealing.

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


def test_a_whole_answer_of_sessions_fits_the_cookie() -> None:
    """More groups than fit into 16 K: the oldest sessions go."""
    lab = Bench()
    arns = ["arn:" + "x" * 300 + f"-{index}" for index in range(60)]
    groups: list[TargetGroup] = [group(target(1), arn=arn, stickiness=APP) for arn in arns]
    rules = [
        Rule(arn, index + 1, (PathPattern((f"/{index}",)),), Forward(((arn, 1),))) for index, arn in enumerate(arns)
    ]
    lab.load(document(*groups, rules=rules))
    browser = Browser(lab)
    for index, arn in enumerate(arns):
        lab.health(1, arn=arn)
        browser.rule = index
        browser.ask(APP_ANSWER)
        assert not browser.ask().missed
    assert sum(len(browser.cookies[b"AWSALBAPP-%d" % index]) for index in range(4)) <= 4 * SHARD_BYTES
    browser.rule = 0
    assert browser.ask().missed
