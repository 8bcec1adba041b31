"""A hundred thousand uploads: the daemon finds and pages, the browser has fifty."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from ledger.making import Clock, drop
from okdrop.drop import State
from okdrop.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

MANY = 100_000

_COPY = """
    WITH RECURSIVE number(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM number WHERE n < {many})
    INSERT INTO uploads ({columns})
    SELECT {values} FROM uploads, number WHERE id = 1
"""


async def fill(ledger_file: Path, many: int) -> None:
    """Have a ledger hold so many published uploads, `/srv/drop/clip-000007.mp4` as its seventh."""
    async with await Ledger.open(f"sqlite:///{ledger_file}", now=Clock()) as ledger:
        row = (await ledger.add(drop(b"/srv/drop/clip-000001.mp4"))).to(State.UPLOADING)
        row = await ledger.write((await ledger.write(row)).to(State.FINALIZING))
        row = row.to(State.PUBLISHED, publication=row.publication.with_(posted_at=row.updated_at))
        await ledger.write(row)
    with contextlib.closing(sqlite3.connect(ledger_file)) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(uploads)")]
        written = {
            "id": "n",
            "path": "CAST(printf('/srv/drop/clip-%06d.mp4', n) AS BLOB)",
            "folded": "printf('/srv/drop/clip-%06d.mp4', n)",
            "posted_at": "posted_at + n * 1000000",
        }
        values = [written.get(column, column) for column in columns]
        connection.execute(_COPY.format(many=many, columns=", ".join(columns), values=", ".join(values)))


async def test_one_of_a_hundred_thousand_is_found_and_pages_are_turned(start: Any, opened: Any) -> None:
    _, daemon = await start()
    await fill(daemon.ledger, MANY)
    async with daemon.serving() as (_, address):
        page = await opened(address)
        rows = page.locator("#rows > li")
        await expect(page.locator("#chips button").first).to_contain_text("100,000")
        await expect(rows).to_have_count(50)
        await expect(rows.first).to_contain_text("clip-100000.mp4")
        await page.get_by_role("button", name="Further").click()
        await expect(page.locator("#page")).to_have_text("Page 2")
        await expect(rows.first).to_contain_text("clip-099950.mp4")
        found = [number for number in range(MANY, 0, -1) if "00777" in f"{number:06}"]
        await page.get_by_role("searchbox").fill("00777")
        await expect(rows).to_have_count(len(found))
        await expect(rows.first).to_contain_text(f"clip-{found[0]:06}.mp4")
        await expect(page.locator("#pages")).to_be_hidden()
        await page.get_by_role("searchbox").fill("no such name")
        await expect(page.locator("#empty")).to_have_text("Nothing matches.")
        await page.get_by_role("searchbox").fill("CLIP-000007")
        await expect(rows).to_have_count(1)
        await page.get_by_role("button", name="Failed").click()
        await expect(page.locator("#empty")).to_have_text("Nothing matches.")
