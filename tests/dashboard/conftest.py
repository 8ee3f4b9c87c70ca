"""A real browser, and a simulated lab behind the page whose time passes while one looks."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

from tests.api.served import serving
from tests.control.lab import Lab

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WALL = 0.05
"""Wall seconds in which a tick of the lab passes."""


def chromium() -> str:
    """The browser's path; without one the test is skipped, except in CI."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium: CI installs it")
        pytest.skip("there is no chromium here: apt-get install chromium")
    return CHROMIUM


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, chromium_sandbox=False)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def lab() -> Lab:
    lab = Lab()
    lab.create_stack()
    return await lab.up()


@contextlib.asynccontextmanager
async def passing(lab: Lab) -> AsyncIterator[None]:
    """Lab time passes."""

    async def tick() -> None:
        while True:
            await lab.tick()
            await asyncio.sleep(WALL)

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


@pytest_asyncio.fixture(loop_scope="module")
async def origin(lab: Lab) -> AsyncIterator[str]:
    async with passing(lab), serving(lab) as port:
        yield f"http://127.0.0.1:{port}"


@dataclass
class Watched:
    """A page, with what it complained of and what it asked for outside of its origin."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def asked(self, request: Request) -> None:
        if not request.url.startswith((self.origin, self.origin.replace("http", "ws", 1))):
            self.foreign.append(request.url)


@contextlib.asynccontextmanager
async def opened(browser: Browser, origin: str, **options: object) -> AsyncIterator[Watched]:
    """The dashboard in a context of its own, English and without motion unless it is asked for otherwise."""
    context = await browser.new_context(**{"locale": "en-US", "reduced_motion": "reduce", **options})  # type: ignore[arg-type]  # whatever playwright takes
    page = await context.new_page()
    watched = Watched(page, origin)
    page.on("console", watched.hear)
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    page.on("request", watched.asked)
    await page.goto(origin)
    await page.wait_for_selector(".box.instance")
    try:
        yield watched
    finally:
        await context.close()
    assert watched.foreign == []
    assert watched.complaints == []
