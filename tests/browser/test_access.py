"""Who may see it, and who can use it: the token by a form, and what axe finds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from e2e.harness import KB, MB

if TYPE_CHECKING:
    from playwright.async_api import Page

TOKEN = "a-long-token-of-somebody"

GRAVE = frozenset({"serious", "critical"})


async def test_the_token_is_shown_once_by_a_form_and_then_by_a_cookie(start: Any, opened: Any) -> None:
    _, daemon = await start(settings={"web__token": TOKEN})
    async with daemon.serving("0.0.0.0:0") as (running, everywhere):
        address = f"http://127.0.0.1:{everywhere.rpartition(':')[2]}"
        page = await opened(address, java_script_enabled=False)
        await expect(page).to_have_url(f"{address}/login")
        await page.get_by_label("Token").fill("a guess")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_have_text("This is not the token.")
        await page.get_by_label("Token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{address}/")
        [cookie] = await page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert TOKEN not in str(cookie)
        again = await opened(address, storage_state=await page.context.storage_state())
        await expect(again.locator("#standing")).to_have_text("Running")
        await again.get_by_role("button", name="Pause all").click()
        await running.tells("service.paused")
        await again.get_by_role("button", name="Sign out").click()
        await expect(again).to_have_url(f"{address}/login")
        await again.goto(address)
        await expect(again).to_have_url(f"{address}/login")
    assert TOKEN not in running.err()


async def test_who_is_signed_in_stays_so_when_the_daemon_is_started_anew(start: Any, opened: Any) -> None:
    _, daemon = await start(settings={"web__token": TOKEN})
    async with daemon.serving() as (_, address):
        page = await opened(address)
        await page.get_by_label("Token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await expect(page.locator("#standing")).to_have_text("Running")
    await expect(page.locator("#standing")).to_contain_text("Disconnected")
    async with daemon.serving(address.removeprefix("http://")):
        await expect(page.locator("#standing")).to_have_text("Running")
    daemon.set(web__token="another-token-of-somebody")
    async with daemon.serving(address.removeprefix("http://")):
        await expect(page).to_have_url(f"{address}/login")


async def test_who_looks_on_sees_it_and_has_no_orders_to_give(start: Any, opened: Any) -> None:
    _, daemon = await start(settings={"web__token": TOKEN, "web__view_token": "a-token-of-who-looks-on"})
    daemon.file("tiny.mp4", 100)
    async with daemon.serving() as (running, address):
        await running.tells("upload.failed")
        page = await opened(address)
        await page.get_by_label("Token").fill("a-token-of-who-looks-on")
        await page.keyboard.press("Enter")
        await expect(page.locator("#foot")).to_contain_text("You may look on")
        await expect(page.locator("#rows > li")).to_contain_text("tiny.mp4")
        await page.get_by_role("link", name="tiny.mp4: details").click()
        await expect(page.get_by_role("dialog", name="tiny.mp4")).to_be_visible()
        orders = re.compile("^(Retry|Cancel|Pause|Bandwidth|Log)")
        await expect(page.get_by_role("button", name=orders)).to_have_count(0)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name=orders)).to_have_count(0)
        await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def grave(page: Page) -> list[str]:
    """What axe-core calls serious or critical."""
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{one['id']}: {node['target']}" for one in found if one["impact"] in GRAVE for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_serious_keeps_anybody_from_using_it(start: Any, opened: Any, scheme: str) -> None:
    settings = {"upload__bandwidth": "128KiB/s", "upload__segment_size": "128KiB"}
    _, daemon = await start(settings=settings)
    daemon.file("tiny.mp4", 100)
    daemon.file("small.mp4", 30 * KB)
    async with daemon.serving() as (running, address):
        await running.tells("upload.failed")
        await running.tells("upload.published")
        daemon.file("evening.mp4", 4 * MB)
        page = await opened(address, color_scheme=scheme, reduced_motion="reduce")
        await expect(page.get_by_role("progressbar", name="evening.mp4")).to_be_visible()
        await expect(page.locator("#rows > li")).to_have_count(3)
        await expect(page.locator("#health")).to_contain_text("accepted by OK")
        assert await grave(page) == []
        await page.locator("#rows").get_by_role("link", name="tiny.mp4: details").click()
        await expect(page.get_by_role("dialog", name="tiny.mp4")).to_be_visible()
        assert await grave(page) == []
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name=re.compile("^Bandwidth")).click()
        await expect(page.get_by_role("dialog", name="Bandwidth")).to_be_visible()
        assert await grave(page) == []
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name=re.compile("^Log")).click()
        await expect(page.get_by_role("dialog", name="Log")).to_be_visible()
        assert await grave(page) == []


async def test_the_form_is_no_obstacle_either(start: Any, opened: Any) -> None:
    _, daemon = await start(settings={"web__token": TOKEN})
    async with daemon.serving() as (_, address):
        page = await opened(address, locale="ru-RU", viewport={"width": 360, "height": 640})
        await expect(page.get_by_role("button", name="Войти")).to_be_visible()
        assert await grave(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
