"""A page without a browser asks what the page asks, as often: else the benchmark measures something else."""

from __future__ import annotations

import asyncio
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

from bench import page
from bench.processes import BenchError
from e2e.conftest import start

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["start"]


def written(name: str) -> str:
    return (resources.files("okdrop.web") / "static" / name).read_text("utf-8")


def constants(text: str) -> Mapping[str, int]:
    found = re.findall(r"^const (\w+) = ([\d_]+);", text, re.MULTILINE)
    return {name: int(number) for name, number in found}


def test_it_asks_as_often_as_the_page() -> None:
    main = constants(written("main.js"))
    every = {name.removesuffix("_EVERY"): number for name, number in main.items() if "EVERY" in name}
    assert every == page.EVERY
    assert (main["SOON"], main["NEWS"]) == (page.SOON, page.NEWS)
    assert constants(written("live.js"))["EVERY"] == page.PULSE
    assert constants(written("list.js"))["PAGE"] == page.ROWS


def test_it_asks_what_the_page_asks() -> None:
    asked = written("api.js")
    for path in page.ASKED.values():
        assert f'"{path.partition("?")[0]}"' in asked


async def test_pages_are_open_for_as_long_as_the_block_lasts(start: Any) -> None:
    _, daemon = await start()
    async with daemon.serving() as (_, address):

        def looked() -> None:
            with page.open_pages(address, 2):
                pass

        await asyncio.to_thread(looked)


def test_a_daemon_that_is_not_there_is_told() -> None:
    with pytest.raises(BenchError, match="did not stay open"), page.open_pages("http://127.0.0.1:9", 1):
        pass
