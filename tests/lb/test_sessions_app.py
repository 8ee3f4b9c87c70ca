"""Sessions of an application's own cookie."""

import pytest

from lab.core.elbv2.config import Stickiness, TargetGroup
from lab.core.elbv2.rules import Forward, PathPattern, Rule
from services.lb.routing.cookies import REMOVED, SHARD_BYTES
from tests.lb.balancing import GROUP, Bench, document, group, target
from tests.lb.browser import APP, APP_ANSWER, OTHER, Browser, bench


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
