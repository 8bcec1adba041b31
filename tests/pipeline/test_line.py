"""The queues between the stages, and what is still open."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from okdrop.config.model import Order
from okdrop.pipeline.line import Line, OpenUploads
from pipeline.bench import until
from pipeline.test_precedence import precedence, row

if TYPE_CHECKING:
    from okdrop.drop import Upload


async def test_first_in_first_out() -> None:
    line = Line()
    for number in (3, 1, 2):
        line.put(number)
    assert [await line.get() for _ in range(3)] == [3, 1, 2]


async def test_what_is_due_is_what_waits_for_nobody_but_a_worker() -> None:
    line = Line()
    for number, delay in ((1, 0.0), (2, 0.0), (1, 0.0), (3, 3600.0)):
        line.put(number, delay)
    assert line.due == 2
    await line.get()
    assert line.due == 1
    line.close()


async def test_what_is_put_again_while_it_is_due_keeps_its_place() -> None:
    line = Line()
    for number in (1, 2, 1):
        line.put(number)
    line.close()
    assert [await line.get() for _ in range(3)] == [1, 2, None]


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


def ordered(rows: list[Upload]) -> Line:
    line = Line(precedence())
    for one in rows:
        line.note(one)
    return line


async def test_what_is_due_comes_out_in_its_order_whenever_it_was_put() -> None:
    line = ordered([row(1, mtime=30), row(2, mtime=10), row(3, mtime=20), row(4, mtime=5, folder="/low")])
    for number in (4, 1, 3, 2):
        line.put(number)
    assert [await line.get() for _ in range(4)] == [2, 3, 1, 4]


async def test_what_comes_back_after_a_delay_has_the_place_it_had() -> None:
    line = ordered([row(number, mtime=number) for number in (1, 2, 3)])
    line.put(2)
    line.put(3)
    line.put(1, 0.001)
    await until(lambda: 1 not in line._timers)
    assert [await line.get() for _ in range(3)] == [1, 2, 3]


async def test_what_has_begun_meanwhile_gets_a_new_place_and_comes_out_once() -> None:
    line = ordered([row(1, mtime=1), row(2, mtime=2), row(3, mtime=3)])
    for number in (1, 2, 3):
        line.put(number)
    line.note(row(3, mtime=3, begun=True))
    line.put(3)
    assert [await line.get() for _ in range(3)] == [3, 1, 2]
    line.close()
    assert await line.get() is None


async def test_a_closed_line_takes_nothing_more() -> None:
    line = ordered([row(1)])
    line.close()
    line.put(1)
    line.put(1, 0.001)
    assert await line.get() is None
    assert not line._timers


acts = st.lists(st.tuples(st.sampled_from(["put", "get", "begins", "moves"]), st.integers(1, 9)), max_size=60)


@given(acts=acts, order=st.sampled_from(Order))
def test_whoever_comes_out_is_the_first_of_those_that_are_due(
    acts: list[tuple[str, int]], order: Order
) -> None:
    asyncio.run(_first_of_the_due(acts, order))


async def _first_of_the_due(acts: list[tuple[str, int]], order: Order) -> None:
    """A model of the line: what is due, and a rank for each."""
    ranks = precedence(order)
    line, due = Line(ranks), set[int]()
    kinds = {number: row(number, mtime=7 * number % 4, size=1 + 5 * number % 3) for number in range(1, 10)}
    for one in kinds.values():
        line.note(one)
    for act, number in acts:
        if act == "put":
            line.put(number)
            due.add(number)
        elif act == "begins":
            line.note(row(number, begun=True))
        elif act == "moves":
            line.note(dataclasses.replace(kinds[number], drop=row(number, folder="/high").drop))
        elif due:
            first = min(due, key=ranks.of)
            assert await line.get() == first
            due.remove(first)
    line.close()
    assert [await line.get() for _ in range(len(due) + 1)] == [*sorted(due, key=ranks.of), None]


async def test_who_waits_for_an_account_is_back_in_its_line_once_that_is() -> None:
    first, second, opened = Line(), Line(), OpenUploads()
    for number, line, account in ((1, first, "kids"), (2, second, "kids"), (3, first, "cats")):
        opened.begin(number)
        opened.park(number, account, line)
    opened.account_is_back("kids")
    assert (await first.get(), await second.get()) == (1, 2)
    first.close()
    assert await first.get() is None  # 3 waits on
    assert 3 in opened


async def test_one_that_waited_before_waits_again_without_a_look() -> None:
    line, opened = Line(), OpenUploads()
    opened.begin(1)
    assert not opened.park_again(1, line, lambda _account: True)  # whose it is, is not known yet
    opened.park(1, "kids", line)
    opened.account_is_back("kids")
    assert opened.park_again(1, line, lambda account: account == "kids")
    opened.account_is_back("kids")
    assert not opened.park_again(1, line, lambda _account: False)
    opened.unpark(1)
    assert not opened.park_again(1, line, lambda _account: True)  # it may be another one's by now


async def test_one_that_ends_while_it_waits_is_not_put_back() -> None:
    line, opened = Line(), OpenUploads()
    opened.begin(1)
    opened.park(1, "kids", line)
    opened.end(1)
    opened.account_is_back("kids")
    line.close()
    assert await line.get() is None


async def test_one_that_goes_to_another_account_waits_no_more() -> None:
    line, opened = Line(), OpenUploads()
    opened.begin(1)
    opened.park(1, "kids", line)
    opened.unpark(1)
    assert await line.get() == 1
