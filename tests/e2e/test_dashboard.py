"""The dashboard over a real lab: load by the slider, a kill by the button. `make screenshots` keeps pictures."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.dashboard.conftest import chromium
from tests.e2e.outside import Lab
from tests.eventually import until

pytestmark = pytest.mark.timeout(400)
PATIENCE = 60_000
PICTURES = {
    "dashboard": (1440, 960, "dark"),
    "dashboard-light": (1440, 960, "light"),
    "dashboard-narrow": (820, 1400, "dark"),
}
HISTORY = 60_000
"""Milliseconds of scaling that a picture shows."""


@pytest.fixture
def page(process_lab: Lab) -> Iterator[Page]:
    process_lab.settled()
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=False)
        page = browser.new_page(viewport={"width": 1440, "height": 960}, reduced_motion="reduce", locale="en-US")
        page.set_default_timeout(PATIENCE)
        page.goto(f"http://127.0.0.1:{process_lab.api}/")
        yield page
        browser.close()


def load(page: Page, rate: int) -> None:
    """Move the slider."""
    page.locator("#rate").fill(str(rate))
    page.locator("#rate").dispatch_event("change")


def test_load_and_a_kill_are_seen_and_survived(process_lab: Lab, page: Page) -> None:
    expect(page.locator(".box.instance.good:not(.leaving)")).to_have_count(2, timeout=PATIENCE)
    try:
        load(page, 40)
        expect(page.locator("#load output")).to_contain_text("40/s asked for")
        until(lambda: float(page.locator("#figures dd").nth(1).inner_text()) >= 20, 60)
        victim = page.locator(".box.instance.good").first.get_attribute("data-key")
        page.locator(f".box.instance[data-key='{victim}']").click()
        page.locator("dialog [data-act=kill]").click()
        expect(page.locator(f".box.instance[data-key='{victim}']")).to_have_count(0, timeout=PATIENCE)
        expect(page.locator(".box.instance.good:not(.leaving)")).to_have_count(2, timeout=PATIENCE)
        assert victim not in process_lab.healthy()
        keep_pictures(page)
    finally:
        load(page, 0)
    until(lambda: process_lab.status()["load_balancers"][0]["nodes"][0]["rate"] == 0, 30)


def keep_pictures(page: Page) -> None:
    """Only when they are asked for: they take a minute of load."""
    folder = os.environ.get("LAB_SCREENSHOTS")
    if folder is None:
        return
    load(page, 150)
    page.wait_for_timeout(HISTORY)
    page.locator(".box.instance.good").last.click()
    page.locator("dialog [data-act=kill]").click()
    page.wait_for_timeout(HISTORY / 6)
    for name, (width, height, scheme) in PICTURES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        page.wait_for_timeout(1500)  # a tick, and what it changes
        page.screenshot(path=Path(folder) / f"{name}.png")
