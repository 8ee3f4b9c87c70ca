"""Cookies that keep a client with its target or its target group."""

import re
from collections import Counter
from typing import Any

import pytest

from lab.core.elbv2.rules import Forward
from tests.lb.balancing import GROUP, Bench, document, group, target
from tests.lb.browser import LB, OTHER, PLAIN_ANSWER, Browser, bench


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
