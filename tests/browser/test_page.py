"""What a person sees in a browser, of the real daemon."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from e2e.harness import KB, KIB, MB, received, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Locator, Page, Route

    from e2e.harness import Daemon, Running

SLOW = {"upload__bandwidth": "256KiB/s", "upload__segment_size": "128KiB", "upload__connections": "3"}


def row(page: Page, name: str) -> Locator:
    """The line of an upload in the list."""
    return page.locator("#rows > li").filter(has_text=name)


async def as_of_ok(route: Route) -> None:
    """Answer as a daemon that talks to OK itself."""
    answer = await route.fetch()
    await route.fulfill(response=answer, json=await answer.json() | {"videos_at": "https://ok.ru/video/"})


async def wide(strip: Locator, kind: str) -> float:
    """How much of a strip is of one kind, of 1000."""
    widths = await strip.locator(f"rect.{kind}").evaluate_all("all => all.map(it => it.width.baseVal.value)")
    return float(sum(widths))


@contextlib.asynccontextmanager
async def run_on(daemon: Daemon, address: str) -> AsyncIterator[Running]:
    """The daemon once more, where it listened before."""
    async with daemon.serving(address.removeprefix("http://")) as (running, _):
        yield running


async def lift_limit(page: Page) -> None:
    """Let as much be sent as there is, by an order beside the page's own buttons."""
    limits = (await page.evaluate("fetch('/api/bandwidth').then(one => one.json())"))["limits"]
    assert limits[0]["rate"] == 256 * KIB
    await page.evaluate(
        "fetch('/api/bandwidth', {method: 'PUT', headers: {'Content-Type': 'application/json'},"
        " body: JSON.stringify({limit: 'off'})})"
    )


async def test_a_throttled_upload_is_seen_to_fill_its_strip_and_its_video_to_be_there(
    start: Any, opened: Any
) -> None:
    emulator, daemon = await start(settings=SLOW)
    async with daemon.serving() as (running, address):
        page = await opened(address)
        daemon.file("evening.mp4", 3 * MB)  # now: a browser may take its time to start
        card = page.locator("#sending > li").filter(has_text="evening.mp4")
        await expect(card).to_be_visible()
        strip = card.get_by_role("progressbar", name="evening.mp4")
        await expect(strip.locator("rect.in_flight")).not_to_have_count(0)
        await expect(strip.locator("rect.held")).not_to_have_count(0)
        before, at_ok = await wide(strip, "held"), int(await strip.get_attribute("aria-valuenow") or 0)
        await until(lambda: received(emulator) > 1.2 * MB)
        await expect(strip).not_to_have_attribute("aria-valuenow", str(at_ok))
        assert await wide(strip, "held") > before
        await expect(card).to_contain_text(re.compile(r"of 3 MB.*kB/s.*left"))
        await expect(page.locator("#speed")).to_have_text(re.compile(r"\d+ kB/s"))
        await expect(page.locator("#hour svg path.line")).to_have_count(1)
        await expect(page.locator("#hour svg line.limit")).to_have_count(1)
        await lift_limit(page)
        await expect(page.locator("#hour svg line.limit")).to_have_count(0)
        await running.tells("upload.published")
        await expect(row(page, "evening.mp4")).to_contain_text("Published")
        await expect(page.locator("#sending > li")).to_have_count(0)
        watch = row(page, "evening.mp4").get_by_role("link", name="Watch evening.mp4 on OK")
        await expect(watch).to_have_count(0)  # the emulator plays OK, and has pages of its own
        await page.route("**/api/status", as_of_ok)
        await expect(watch).to_be_visible()
        video = (await daemon.status())["uploads"][0]["video_id"]
        assert await watch.get_attribute("href") == f"https://ok.ru/video/{video}"
        await expect(page.locator("#published-sum")).to_have_text("3 MB, 1 video in four weeks")
        await expect(page.locator("#published g.bar:not(.none)")).to_have_count(1)


async def test_what_was_lost_on_the_way_and_is_sent_again_is_on_the_strip(start: Any, opened: Any) -> None:
    settings = SLOW | {"upload__bandwidth": "128KiB/s"}
    _, daemon = await start("error_500_before_storing:times=2", settings=settings)
    daemon.file("evening.mp4", 4 * MB)
    async with daemon.serving() as (_, address):
        page = await opened(address)
        strip = page.get_by_role("progressbar", name="evening.mp4")
        await expect(strip.locator("rect.again")).not_to_have_count(0)
        await expect(page.locator("#sending")).to_contain_text("sent again")


async def test_a_failure_tells_its_cause_and_what_to_do_and_a_retry_that_succeeds_is_seen(
    start: Any, opened: Any
) -> None:
    _, daemon = await start("api_error:method=video.update,code=454,times=1")
    daemon.file("evening.mp4", 50 * KB)
    async with daemon.serving() as (running, address):
        await running.tells("upload.failed")
        page = await opened(address)
        failed = row(page, "evening.mp4")
        await expect(failed).to_contain_text("Failed")
        failure = (await daemon.status())["uploads"][0]["failure"]
        await expect(failed.locator(".why")).to_contain_text(failure["message"])
        await expect(failed.locator(".why")).to_contain_text(failure["hint"])
        await page.get_by_role("button", name="Failed").click()
        await failed.get_by_role("button", name="Retry evening.mp4").click()
        await expect(page.locator("#said")).to_have_text("evening.mp4 is handed back.")
        await running.tells("upload.published")
        await expect(page.locator("#empty")).to_have_text("Nothing failed.")
        await page.get_by_role("button", name="Published").click()
        await expect(failed).to_contain_text("Published")
        await failed.get_by_role("link", name="evening.mp4: details").click()
        dialog = page.get_by_role("dialog", name="evening.mp4")
        await expect(dialog).to_contain_text(re.compile("Title.*evening.*Seen by.*everybody", re.DOTALL))
        await expect(dialog.locator(".timeline li.failed")).to_have_count(1)
        await expect(dialog.locator(".timeline li.published")).not_to_have_count(0)
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()


async def test_all_is_paused_and_resumed_and_a_limit_shows(start: Any, opened: Any) -> None:
    _, daemon = await start()
    async with daemon.serving() as (running, address):
        page = await opened(address)
        await page.get_by_role("button", name="Pause all").click()
        await running.tells("service.paused")
        await expect(page.locator("#standing")).to_contain_text(re.compile(r"Paused (now|\d+ sec\w* ago)"))
        daemon.file("evening.mp4", 50 * KB)
        await running.tells("file.settled")
        await page.get_by_role("button", name="Queue").click()
        await expect(row(page, "evening.mp4")).to_contain_text("Queued")
        await page.get_by_role("button", name=re.compile("^Bandwidth")).click()
        dialog = page.get_by_role("dialog", name="Bandwidth")
        await dialog.get_by_label("Limit", exact=True).fill("quick")
        await dialog.get_by_role("button", name="Set").click()
        await expect(page.locator("#said")).to_contain_text("limit must be")
        await dialog.get_by_label("Limit of").select_option(label="everything together")
        await dialog.get_by_label("Limit", exact=True).fill("3MB/s")
        await page.keyboard.press("Enter")
        await expect(dialog).to_be_hidden()
        await expect(page.locator("#limit")).to_have_text("Limit 3MB/s")
        assert (await running.tells("service.bandwidth_set"))["limit"] == "3MB/s"
        assert running.told("upload.started") == []
        await page.get_by_role("button", name="Resume all").click()
        await running.tells("upload.published")
        await expect(page.locator("#standing")).to_have_text("Running")
        await expect(page.locator("#empty")).to_have_text("Nothing waits for its turn.")


async def test_other_lines_of_the_log_are_wished_for_a_while(start: Any, opened: Any) -> None:
    _, daemon = await start(settings={"log__level": "info"})
    async with daemon.serving() as (running, address):
        page = await opened(address)
        await page.get_by_role("button", name="Log: info. Change it").click()
        dialog = page.get_by_role("dialog", name="Log")
        await dialog.get_by_label("Lines of this level and above").select_option("debug")
        await dialog.get_by_label("How long").select_option(label="for a day")
        await dialog.get_by_role("button", name="Set").click()
        await expect(dialog).to_be_hidden()
        await expect(page.locator("#log")).to_contain_text("Log: debug until")
        assert (await running.tells("service.log_level"))["least"] == "debug"
        await page.locator("#log").click()
        await dialog.get_by_role("button", name="As configured").click()
        await expect(page.locator("#log")).to_have_text("Log: info")
        assert (await running.tells("service.log_level", 2))["by_hand"] is False


async def test_an_upload_is_cancelled_at_the_second_press(start: Any, opened: Any) -> None:
    _, daemon = await start(settings=SLOW)
    async with daemon.serving() as (running, address):
        page = await opened(address)
        daemon.file("evening.mp4", 3 * MB)  # now: a browser may take its time to start
        button = page.locator("#sending").get_by_role("button", name=re.compile("Cancel evening.mp4"))
        await button.click()
        await expect(button).to_have_text("Sure?")
        assert running.told("upload.cancelled") == []
        await button.click()
        await running.tells("upload.cancelled")
        await page.get_by_role("button", name="Set aside").click()
        await expect(row(page, "evening.mp4")).to_contain_text("Cancelled")


HOSTILE = '<img src=x onerror="document.title=`broken`">'


async def test_a_name_is_a_text_whatever_it_says(start: Any, opened: Any) -> None:
    _, daemon = await start(settings=SLOW)
    names = [f"{HOSTILE}.mp4", "<script>document.title='broken'</script>.mp4", "\u202egpj.mp4", "a\nb.mp4"]
    async with daemon.serving() as (running, address):
        page = await opened(address)
        for number, name in enumerate(names):
            daemon.file(name.replace("/", "\u2215"), 1 * MB + number)
        daemon.file(b"odd-\xff.mp4", 30 * KB)
        await expect(page.locator("#sending > li")).not_to_have_count(0)
        await running.tells("upload.published")
        for shown in (f"{HOSTILE}.mp4", "<script>", r"\u202egpj.mp4", r"a\nb.mp4", r"odd-\xff.mp4"):
            await expect(row(page, shown)).to_have_count(1)
        assert await page.locator("main img, main script").count() == 0
        await row(page, HOSTILE).locator("a.name").click()
        await expect(page.get_by_role("dialog").locator("h2")).to_have_text(f"{HOSTILE}.mp4")
        assert await page.title() == "okdrop"


async def test_the_page_says_that_the_daemon_is_gone_and_goes_on_once_it_is_back(
    start: Any, opened: Any
) -> None:
    _, daemon = await start()
    async with daemon.serving() as (_, address):
        page = await opened(address)
        await expect(page.locator("#standing")).to_have_text("Running")
    await expect(page.locator("#standing")).to_contain_text("Disconnected")
    await expect(page.locator("#said")).to_have_text("The connection to the daemon is lost.")
    async with run_on(daemon, address) as running:
        await expect(page.locator("#standing")).to_have_text("Running")
        await expect(page.locator("#said")).to_have_text("The connection is back.")
        daemon.file("evening.mp4", 50 * KB)
        await running.tells("upload.published")
        await expect(row(page, "evening.mp4")).to_contain_text("Published")


async def test_what_is_not_finished_or_waits_is_told_with_its_reason(start: Any, opened: Any) -> None:
    settings = {"retry__first_delay": "60s", "retry__max_delay": "10m"}
    _, daemon = await start("error_500_before_storing:method=api", settings=settings)
    daemon.file("evening.mp4", 50 * KB)
    async with daemon.serving() as (running, address):
        await running.tells("upload.trouble")
    daemon.watch(settle="1h")
    daemon.file("later.mp4", 50 * KB)
    async with run_on(daemon, address):
        page = await opened(address)
        await page.get_by_role("button", name="Waiting").click()
        unfinished = page.locator("#unfinished > li").filter(has_text="later.mp4")
        await expect(unfinished).to_contain_text("Not finished")
        await expect(unfinished.locator(".why")).to_contain_text("waiting: ")
        await page.locator("#chips button").first.click()
        await page.get_by_role("searchbox").fill("evening")
        await expect(unfinished).to_be_hidden()
        await page.get_by_role("button", name="1 file not finished yet").click()
        await expect(unfinished).to_be_visible()
        await expect(page.get_by_role("button", name="Waiting")).to_have_attribute("aria-pressed", "true")
        daemon.file("last.mp4", 50 * KB)
        await expect(page.locator("#unfinished > li").filter(has_text="last.mp4")).to_be_visible()
        await expect(page.locator("#in-hand")).to_contain_text("2 files not finished yet")
        tried = row(page, "evening.mp4")
        await expect(tried).to_contain_text("Waiting")
        await expect(tried.locator(".why")).to_contain_text(re.compile("next try in .*500"))


async def test_folders_accounts_and_hosts_are_told_of(start: Any, opened: Any) -> None:
    _, daemon = await start()
    daemon.watch(rescan="100ms")
    daemon.file("evening.mp4", 50 * KB)
    async with daemon.serving() as (running, address):
        await running.tells("upload.published")
        page = await opened(address)
        health = page.locator("#health")
        await expect(health).to_contain_text(re.compile(r"kernel events.*looked through .* free", re.DOTALL))
        await expect(health).to_contain_text("accepted by OK")
        await expect(health).to_contain_text(re.compile(r"127\.0\.0\.1:\d+.*no trouble", re.DOTALL))
        daemon.drop.rename(daemon.place / "away")
        await expect(page.locator("#notices")).to_contain_text("waiting for a folder")
        await expect(health).to_contain_text("away")
        await expect(page.locator("#standing")).to_have_text("Held up")
        (daemon.place / "away").rename(daemon.drop)
        await expect(page.locator("#notices")).to_be_hidden()


# --- looks ----------------------------------------------------------------------------------------------


async def test_a_phone_needs_no_scrolling_sideways(start: Any, opened: Any) -> None:
    _, daemon = await start(settings=SLOW)
    async with daemon.serving() as (running, address):
        page = await opened(address, viewport={"width": 360, "height": 740}, has_touch=True)
        daemon.file(f"{'long' * 50}.mp4", 2 * MB)
        daemon.file("tiny.mp4", 100)
        await expect(page.locator("#sending > li")).to_have_count(1)
        await expect(page.locator("#rows > li")).to_have_count(2)
        await expect(page.locator("#health")).to_contain_text("free")
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        await running.tells("upload.failed")
        await row(page, "tiny.mp4").locator("a.name").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await page.evaluate("document.querySelector('dialog[open]').scrollWidth") <= 360


async def test_it_is_dark_where_that_is_wished(start: Any, opened: Any) -> None:
    _, daemon = await start()

    async def ground(page: Page) -> int:
        colour = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    async with daemon.serving() as (_, address):
        assert await ground(await opened(address, color_scheme="light")) > 600
        assert await ground(await opened(address, color_scheme="dark")) < 150


@pytest.mark.parametrize(("count", "words"), [(1, "1 файл ещё не готов"), (3, "3 файла ещё не готовы")])
async def test_it_speaks_russian_to_who_does(start: Any, opened: Any, count: int, words: str) -> None:
    _, daemon = await start()
    daemon.watch(settle="1h")
    for number in range(count):
        daemon.file(f"clip-{number}.mp4", 50 * KB)
    async with daemon.serving() as (_, address):
        page = await opened(address, locale="ru-RU")
        await expect(page.locator("#in-hand")).to_contain_text(words)
        await expect(page.locator("#standing")).to_have_text("Работает")
        assert await page.evaluate("document.documentElement.lang") == "ru"
        await expect(page.locator("#speed")).to_have_text("0 \u0411/\u0441")


async def test_both_dictionaries_have_the_same_words(start: Any, opened: Any) -> None:
    _, daemon = await start()
    async with daemon.serving() as (_, address):
        page = await opened(address)
        text = await page.evaluate("fetch('/static/words.js').then(one => one.text())")
    english, russian = re.findall(r"const (?:en|ru) = \{(.*?)\n\};", text, re.DOTALL)
    keys = re.compile(r'^  "([\w. ]+)":', re.MULTILINE)
    assert keys.findall(english) == keys.findall(russian)
    assert len(set(keys.findall(english))) == len(keys.findall(english)) > 100


async def test_the_keyboard_is_enough(start: Any, opened: Any) -> None:
    _, daemon = await start()
    daemon.file("evening.mp4", 50 * KB)
    async with daemon.serving() as (running, address):
        await running.tells("upload.published")
        page = await opened(address)
        await expect(row(page, "evening.mp4")).to_have_count(1)
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "Skip to the uploads"
        await page.keyboard.press("/")
        await page.keyboard.type("even")
        await page.keyboard.press("ArrowDown")
        assert await page.evaluate("document.activeElement.textContent") == "evening.mp4"
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog", name="evening.mp4")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
