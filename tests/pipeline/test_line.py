"""The queues between the stages, and what is still open."""

from __future__ import annotations

import asyncio

from okdrop.pipeline.line import Line, OpenUploads


async def test_first_in_first_out() -> None:
    line = Line()
    for number in (3, 1, 2):
        line.put(number)
    assert [await line.get() for _ in range(3)] == [3, 1, 2]


async def test_a_delayed_id_lets_others_pass() -> None:
    line = Line()
    line.put(1, 0.02)
    line.put(2)
    assert [await line.get(), await line.get()] == [2, 1]


async def test_an_id_put_again_comes_out_once_at_its_new_time() -> None:
    line = Line()
    line.put(1, 3600)
    line.put(1, 0.01)
    assert await line.get() == 1
    line.put(2, 3600)
    line.put(2)
    assert await line.get() == 2
    line.close()
    assert await line.get() is None


async def test_a_closed_line_tells_everyone() -> None:
    line = Line()
    waiting = [asyncio.create_task(line.get()) for _ in range(3)]
    await asyncio.sleep(0)
    line.close()
    assert await asyncio.gather(*waiting) == [None, None, None]
    assert await line.get() is None


async def test_a_closed_line_gives_what_was_due_and_forgets_what_was_not() -> None:
    line = Line()
    line.put(1)
    line.put(2, 3600)
    line.close()
    assert [await line.get(), await line.get()] == [1, None]


async def test_open_uploads() -> None:
    opened = OpenUploads()
    await asyncio.wait_for(opened.wait_until_none(), 1)
    opened.begin(1)
    opened.begin(1)
    opened.begin(2)
    assert len(opened) == 2
    waiting = asyncio.create_task(opened.wait_until_none())
    opened.end(1)
    opened.end(7)
    await asyncio.sleep(0)
    assert not waiting.done()
    opened.end(2)
    await asyncio.wait_for(waiting, 1)
    assert len(opened) == 0
