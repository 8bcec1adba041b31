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


async def test_only_what_waits_is_retimed_or_removed() -> None:
    line = Line()
    line.put(1, 3600)
    line.put(2, 3600)
    line.put(3)
    line.retime(1, 0.0)
    line.retime(4, 0.0)
    line.remove(2)
    line.remove(3)
    assert [await line.get(), await line.get()] == [3, 1]
    line.close()
    assert await line.get() is None


def test_who_begins_an_upload_is_told_whether_it_was_the_first() -> None:
    opened = OpenUploads()
    assert opened.begin(1)
    assert not opened.begin(1)
    opened.end(1)
    assert opened.begin(1)
    assert (1 in opened, 2 in opened, [*opened]) == (True, False, [1])


def test_an_upload_is_in_one_hand_at_most_and_may_be_asked_to_let_go() -> None:
    opened, asked = OpenUploads(), []
    with opened.taken(1) as first, opened.taken(1) as second, opened.taken(2) as other:
        assert (first, second, other) == (True, False, True)
        assert (opened.is_in_hand(1), opened.in_hand) == (True, 2)
        opened.let_go(2)  # nobody listens there
        opened.on_let_go(1, lambda: asked.append(1))
        opened.let_go(1)
    assert asked == [1]
    opened.on_let_go(1, lambda: asked.append(2))
    opened.let_go(1)
    assert (asked, opened.is_in_hand(1)) == ([1], False)


def test_a_second_entry_leaves_the_first_hand_alone() -> None:
    opened = OpenUploads()
    with opened.taken(1):
        with opened.taken(1) as second:
            assert not second
        assert opened.is_in_hand(1)
