"""A real browser before the real daemon and the emulator.

Debian's Chromium, driven by Playwright; `OKDROP_CHROMIUM` names another one. Where there is none, these tests
are skipped, but fail in CI, whose script installs it.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import async_playwright, expect

from e2e.conftest import start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

__all__ = ["start"]

expect.set_options(timeout=30_000)

CHROMIUM = os.environ.get("OKDROP_CHROMIUM") or shutil.which("chromium")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of this test's own."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium; .ci/run installs it")
        pytest.skip("there is no chromium: apt-get install chromium, or name one in OKDROP_CHROMIUM")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM)
        yield launched
        await launched.close()


@pytest.fixture
async def opened(browser: Browser) -> AsyncIterator[Any]:
    """Open an address in a context with these options; what the page complains of fails the test."""
    complaints: list[str] = []

    async def open_at(address: str, **options: Any) -> Page:
        context = await browser.new_context(**{"locale": "en-GB", "timezone_id": "UTC"} | options)
        context.set_default_timeout(30_000)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: _note(complaints, said.type, said.text))
        await page.goto(address)
        return page

    yield open_at
    assert complaints == []


def _note(complaints: list[str], kind: str, text: str) -> None:
    """Keep errors, but for those that the network has when the daemon is away or refuses something."""
    if kind == "error" and "Failed to load resource" not in text and "ERR_" not in text:
        complaints.append(text)
