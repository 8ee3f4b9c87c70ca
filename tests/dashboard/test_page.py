"""The dashboard in a real browser: it shows what happens, and what is done on it happens."""

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, expect

from lab.core.autoscaling.model import AutoScalingGroup, Member
from lab.core.autoscaling.policy import ScalingPolicy
from lab.core.cloudwatch.model import MetricAlarm
from lab.core.ec2.model import Instance
from lab.core.elbv2.model import LoadBalancer
from tests.api.served import serving
from tests.control.lab import Lab
from tests.dashboard.conftest import opened, passing
from tests.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")
TABS = 8
TICK = 1.2
"""Seconds within which the feed tells what has changed."""


def group(lab: Lab) -> AutoScalingGroup:
    return lab.store.all(AutoScalingGroup)[0]


def box(page: Page, instance_id: str) -> str:
    return f".box.instance[data-key='{instance_id}']:not(.leaving)"


async def test_it_shows_the_architecture(browser: Browser, lab: Lab, origin: str) -> None:
    async with opened(browser, origin) as watched:
        page = watched.page
        await expect(page.locator("section.zone")).to_have_count(2)
        await expect(page.locator(".box.node")).to_have_count(2)
        await expect(page.locator(".box.instance.good")).to_have_count(2)
        await expect(page.locator(".box.database")).to_have_count(1)
        await expect(page.locator("#figures")).to_contain_text("2 / 2")
        await expect(page.locator("#plots figure")).to_have_count(4)


async def test_an_instance_dies_and_another_comes(browser: Browser, lab: Lab, origin: str) -> None:
    victim = lab.store.all(Member)[0].instance_id
    async with opened(browser, origin) as watched:
        page = watched.page
        await page.click(box(page, victim))
        dialog = page.locator("dialog[open]")
        await expect(dialog).to_contain_text(f"lab kill {victim}")
        await dialog.locator("[data-act=kill]").click()
        await expect(page.locator(box(page, victim))).to_have_count(0)
        await expect(page.locator(".box.instance.good:not(.leaving)")).to_have_count(2)
        instance = lab.store.get(Instance, victim)
        assert instance is not None
        assert instance.state == "terminated"
        await expect(page.locator("#log")).to_contain_text(f"Terminating EC2 instance: {victim}")


async def test_an_event_tells_why(browser: Browser, lab: Lab, origin: str) -> None:
    async with opened(browser, origin) as watched:
        page = watched.page
        await page.click("#group-button")
        await page.fill("dialog input[name=desired]", "4")
        await expect(page.locator("dialog")).to_contain_text("--desired-capacity 4")
        await page.locator("dialog .act", has_text="Set the capacity").locator("button").click()
        await expect(page.locator(".box.instance.good:not(.leaving)")).to_have_count(4)
        assert group(lab).desired_capacity == 4
        await page.locator("#log button", has_text="Launching a new EC2 instance").first.click()
        await expect(page.locator("dialog")).to_contain_text("increasing the capacity from 3 to 4")


async def test_a_refused_act_says_why(browser: Browser, lab: Lab, origin: str) -> None:
    async with opened(browser, origin) as watched:
        page = watched.page
        await page.click("#group-button")
        await page.fill("dialog input[name=min]", "9")
        await page.locator("dialog .act", has_text="Set the capacity").locator("button").click()
        await expect(page.locator("#notice")).to_contain_text("That did not work")
        watched.complaints.clear()  # the browser itself reports the 400
    assert group(lab).min_size == 2


async def test_a_zone_fails_and_recovers(browser: Browser, lab: Lab, origin: str) -> None:
    async with opened(browser, origin) as watched:
        page = watched.page
        zone = page.locator("section.zone[aria-label=us-east-1a]")
        await zone.locator("header button").click()
        await expect(page.locator("dialog")).to_contain_text("lab fail zone a")
        await page.locator("dialog [data-act=fail_zone]").click()
        await expect(zone).to_have_class(re.compile("failed"))
        await zone.locator("header button").click()
        await page.locator("dialog [data-act=recover_zone]").click()
        await expect(zone).not_to_have_class(re.compile("failed"))


async def test_the_language_is_the_browsers_and_can_be_switched(browser: Browser, lab: Lab, origin: str) -> None:
    async with opened(browser, origin, locale="ko-KR") as watched:
        page = watched.page
        await expect(page.locator("#topology-title")).to_have_text("실시간 아키텍처")
        await page.select_option("#language", "en")
        await expect(page.locator("#topology-title")).to_have_text("Architecture, live")
        await page.reload()
        await expect(page.locator("#topology-title")).to_have_text("Architecture, live")
        assert await page.locator("html").get_attribute("lang") == "en"


async def test_both_catalogues_say_the_same_things(browser: Browser, lab: Lab, origin: str) -> None:
    async with opened(browser, origin) as watched:
        missing = await watched.page.evaluate(
            """async () => {
                const { catalogues } = await import("/lab/ui/js/text.js");
                const places = (text) => (text.match(/\\{\\w+\\}/g) ?? []).sort().join();
                const [en, ko] = [catalogues.en, catalogues.ko];
                const keys = [...new Set([...Object.keys(en), ...Object.keys(ko)])];
                return keys.filter((key) => !(key in en && key in ko) || places(en[key]) !== places(ko[key]));
            }"""
        )
    assert missing == []


async def test_eight_tabs_live(browser: Browser, lab: Lab, origin: str) -> None:
    context = await browser.new_context()
    pages = [await context.new_page() for _ in range(TABS)]
    await asyncio.gather(*(page.goto(origin) for page in pages))
    for page in pages:
        await expect(page.locator("#connection")).to_have_text("live")
        await expect(page.locator(".box.instance")).to_have_count(2)
    await context.close()


async def test_it_stays_and_comes_back(browser: Browser, lab: Lab) -> None:
    async with passing(lab):
        async with serving(lab) as port:
            context = await browser.new_context()
            page = await context.new_page()
            await page.goto(f"http://127.0.0.1:{port}")
            await expect(page.locator("#connection")).to_have_text("live")
        await expect(page.locator("#connection")).to_have_class("away")
        await expect(page.locator(".box.instance")).to_have_count(2)
        async with serving(lab, port):
            await expect(page.locator("#connection")).to_have_text("live", timeout=15_000)
            await context.close()


async def test_the_keyboard_is_enough(browser: Browser, lab: Lab, origin: str) -> None:
    victim = lab.store.all(Member)[0].instance_id
    async with opened(browser, origin) as watched:
        page = watched.page
        await page.focus(box(page, victim))
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog[open]")).to_contain_text(victim)
        await page.focus("dialog [data-act=kill]")
        await page.keyboard.press("Enter")

        def replaced() -> bool:
            return lab.store.get(Member, victim) is None

        await eventually(replaced)


async def test_thirty_instances_fit(browser: Browser, lab: Lab, origin: str) -> None:
    lab.world.call(
        "autoscaling",
        "UpdateAutoScalingGroup",
        {"AutoScalingGroupName": group(lab).name, "MaxSize": 30, "DesiredCapacity": 30},
    )
    for width, height in ((820, 1180), (3840, 2160)):
        async with opened(browser, origin, viewport={"width": width, "height": height}) as watched:
            page = watched.page
            await expect(page.locator(".box.instance.good")).to_have_count(30, timeout=20_000)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            overlaps = await page.evaluate(
                """() => {
                    const boxes = [...document.querySelectorAll(".box")].map((box) => box.getBoundingClientRect());
                    const within = (a, b, from, to) => a[from] < b[to] - 1 && b[from] < a[to] - 1;
                    const meet = (a, b) => within(a, b, "left", "right") && within(a, b, "top", "bottom");
                    return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => meet(a, b))).length;
                }"""
            )
            assert overlaps == 0


async def test_a_class_sees_the_question_and_touches_nothing(browser: Browser, lab: Lab, origin: str) -> None:
    words = {
        "en": {"title": "A crash", "question": "What will happen?"},
        "ko": {"title": "장애", "question": "어떻게 될까요?"},
    }

    async def told(page: Page, phase: str, answer: list[str]) -> None:
        lesson = {"phase": phase, "words": words, "since": 1.0, "answer": answer}
        done = await page.request.put(f"{origin}/lab/class", data={"lesson": lesson})
        assert done.ok

    async with opened(browser, origin) as watched:
        page = watched.page
        await expect(page.locator("#lesson")).to_be_hidden()
        await page.goto(f"{origin}/?class")
        await expect(page.locator("#lesson")).to_contain_text("The lesson begins soon.")
        await told(page, "asking", [])
        await expect(page.locator("#lesson .question")).to_have_text("What will happen?")
        await expect(page.locator("#lesson .timer")).to_contain_text("What do you think?")
        await expect(page.locator("#load")).to_be_hidden()
        await expect(page.locator("#group-button")).to_be_hidden()
        await expect(page.locator("#speed-button")).to_be_hidden()
        await page.click(".box.instance")
        await expect(page.locator("dialog[open]")).to_be_visible()
        await expect(page.locator("dialog [data-act]")).to_have_count(0)
        await page.keyboard.press("Escape")
        await told(page, "revealed", ["6 of 1500 requests were lost", "✓ replaced: 30 s"])
        await expect(page.locator("#lesson li")).to_have_text(["6 of 1500 requests were lost", "✓ replaced: 30 s"])
        await page.select_option("#language", "ko")
        await expect(page.locator("#lesson h2")).to_have_text("장애")
        refused = await page.request.put(f"{origin}/lab/class", data={"lesson": {"phase": "party"}})
        assert refused.status == 400
        await page.request.put(f"{origin}/lab/class", data={"lesson": None})
        await expect(page.locator("#lesson h2")).to_have_text("곧 수업을 시작합니다.")


async def test_the_policys_type_is_switched_and_back(browser: Browser, lab: Lab, origin: str) -> None:
    def types() -> list[str]:
        return sorted(row.policy_type for row in lab.store.all(ScalingPolicy))

    before = types()
    assert before == ["TargetTrackingScaling"]
    async with opened(browser, origin) as watched:
        page = watched.page
        for act, after in (
            ("step", ["StepScaling", "StepScaling"]),
            ("simple", ["SimpleScaling", "SimpleScaling"]),
            ("track", before),
        ):
            await page.click("#group-button")
            await page.click(f"dialog [data-act={act}]")
            await expect(page.locator("dialog[open]")).to_have_count(0)
            assert types() == after
            await expect(page.locator("#notice")).to_contain_text("Done")
            await asyncio.sleep(TICK)  # the page hears of it with the next tick
    assert {row.name.rpartition("-")[2] for row in lab.store.all(MetricAlarm)}.isdisjoint({"out", "in"})


async def test_marks_are_reached_and_opened_by_the_keyboard(browser: Browser, lab: Lab, origin: str) -> None:
    async with opened(browser, origin) as watched:
        page = watched.page
        marks = page.locator("#plots figure:first-child .mark")
        await expect(marks).not_to_have_count(0)
        await page.locator("#plots figure:first-child .mark[tabindex='0']").focus()
        await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog[open] #panel-title")).not_to_be_empty()


async def test_names_that_lead_to_the_load_balancer_are_shown(browser: Browser, lab: Lab, origin: str) -> None:
    [balancer] = lab.store.all(LoadBalancer)
    zone = lab.call("route53", "CreateHostedZone", Name="shop.lab", CallerReference="1")["HostedZone"]["Id"]
    alias = {
        "HostedZoneId": lab.call("elbv2", "DescribeLoadBalancers")["LoadBalancers"][0]["CanonicalHostedZoneId"],
        "DNSName": balancer.dns_name, "EvaluateTargetHealth": False,
    }  # fmt: skip
    record = {"Name": "www.shop.lab", "Type": "A", "AliasTarget": alias}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    lab.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=changes)
    async with opened(browser, origin) as watched:
        await expect(watched.page.locator(".name li")).to_have_text("■ www.shop.lab · A · simple")
        await expect(watched.page.locator("#group")).to_be_hidden()


async def test_the_speed_is_changed(browser: Browser, lab: Lab, origin: str) -> None:
    async with opened(browser, origin) as watched:
        page = watched.page
        await page.click("#speed-button")
        await page.fill("dialog input[name=speed]", "60")
        await expect(page.locator("dialog")).to_contain_text("lab speed 60")
        await page.click("dialog [data-act=set_speed]")
        await expect(page.locator("#figures")).to_contain_text("× 60")
        assert lab.clock.speed == 60.0


async def test_of_two_groups_one_is_chosen_for_the_charts(browser: Browser, lab: Lab, origin: str) -> None:
    first = group(lab)
    made = {"LaunchTemplateId": first.launch_template_id, "Version": "$Latest"}
    lab.call("autoscaling", "CreateAutoScalingGroup", AutoScalingGroupName="other", LaunchTemplate=made, MinSize=1, MaxSize=3,
             DesiredCapacity=3, VPCZoneIdentifier=",".join(subnet for subnet, _ in first.subnets))  # fmt: skip
    async with opened(browser, origin) as watched:
        page = watched.page
        await expect(page.locator(".box.instance:not(.leaving)")).to_have_count(5)
        await expect(page.locator("#group option")).to_have_count(2)
        for name, figure in (("other", "3 / 3"), (first.name, "2 / 2")):
            await page.select_option("#group", name)
            await expect(page.locator("#figures")).to_contain_text(figure)
            await expect(page.locator("#plots")).to_contain_text(name)
            await page.click("#group-button")
            await expect(page.locator("dialog[open]")).to_contain_text(f"--auto-scaling-group-name {name}")
            await page.keyboard.press("Escape")


async def test_a_name_whose_health_check_fails_is_shown_so(browser: Browser, lab: Lab, origin: str) -> None:
    place = "192.0.2.1:80"
    config = {"Type": "HTTP", "IPAddress": "192.0.2.1", "Port": 80, "RequestInterval": 10}
    check = lab.call("route53", "CreateHealthCheck", CallerReference="1", HealthCheckConfig=config)["HealthCheck"]["Id"]
    zone = lab.call("route53", "CreateHostedZone", Name="shop.lab", CallerReference="1")["HostedZone"]["Id"]
    [balancer] = lab.call("elbv2", "DescribeLoadBalancers")["LoadBalancers"]
    alias = {
        "HostedZoneId": balancer["CanonicalHostedZoneId"], "DNSName": balancer["DNSName"], "EvaluateTargetHealth": True,
    }  # fmt: skip
    record = {"Name": "www.shop.lab", "Type": "A", "AliasTarget": alias, "SetIdentifier": "one", "Failover": "PRIMARY",
              "HealthCheckId": check}  # fmt: skip
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    lab.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=changes)
    async with opened(browser, origin) as watched:
        name = watched.page.locator(".name li")
        await expect(name).to_have_class("good")
        lab.prober.down.add(place)
        await expect(name).to_have_class("bad")
        await expect(name).to_contain_text("www.shop.lab · A · failover")
        lab.prober.down.clear()
        await expect(name).to_have_class("good")
