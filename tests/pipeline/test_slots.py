"""Who sends, and who is made ready meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from okdrop.pipeline.slots import MOST_AHEAD, Slot, Slots

if TYPE_CHECKING:
    from collections.abc import Callable


class Crowd:
    """Uploads that want to be made ready, and a hand in what each does."""

    def __init__(self, slots: Slots, count: int) -> None:
        self.slots = slots
        self.inside: list[Slot] = []  # in the order in which they were let in
        self.order: list[Slot] = []  # in the order in which they got to send
        self._ends: dict[Slot, asyncio.Event] = {}
        self._tasks = [asyncio.create_task(self._one()) for _ in range(count)]

    async def _one(self) -> None:
        async with self.slots.next() as slot:
            self.inside.append(slot)
            self._ends[slot] = asyncio.Event()
            await self._ends[slot].wait()
        self.inside.remove(slot)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    def ready(self, slot: Slot) -> None:
        slot.ready(lambda: self.order.append(slot))

    async def end(self, slot: Slot) -> None:
        slot.leave()
        self._ends[slot].set()
        await self.settle()

    async def all_end(self) -> None:
        while self.inside:
            await self.end(self.inside[0])
        await asyncio.gather(*self._tasks)


async def crowd(number: int, count: int = 40) -> Crowd:
    made = Crowd(Slots(number), count)
    await made.settle()
    return made


async def test_as_many_are_made_ready_as_slots_are_free() -> None:
    all_ = await crowd(2)
    assert (len(all_.inside), all_.slots.ahead, all_.slots.sending) == (2, 2, 0)
    await all_.all_end()


async def test_one_that_sends_for_long_has_nobody_made_ready_behind_it() -> None:
    all_ = await crowd(1)
    all_.ready(all_.inside[0])
    await all_.settle()
    assert (all_.order, len(all_.inside)) == ([all_.inside[0]], 1)
    all_.inside[0].note(ends_soon=True)
    await all_.settle()
    assert len(all_.inside) == 2
    await all_.all_end()


async def test_whoever_is_ready_waits_for_nobody_who_is_not() -> None:
    all_ = await crowd(2)
    slow, quick = all_.inside
    all_.ready(quick)
    assert all_.order == [quick]
    await all_.settle()
    late = all_.inside[2] if len(all_.inside) > 2 else None
    assert late is None  # nobody ends soon, and the other slot is the slow one's
    all_.ready(slow)
    assert all_.order == [quick, slow]
    await all_.all_end()


async def test_of_those_that_are_ready_the_first_that_was_let_in_goes_first() -> None:
    all_ = await crowd(2)
    first, second = all_.inside
    for slot in (first, second):
        all_.ready(slot)
        slot.note(ends_soon=True)
    await all_.settle()
    third, fourth = all_.inside[2:4]
    all_.ready(fourth)
    all_.ready(third)
    await all_.end(first)
    assert all_.order == [first, second, third]
    await all_.all_end()


async def test_a_slot_that_waited_in_vain_has_one_more_made_ready() -> None:
    all_ = await crowd(1)
    seen = []
    for _ in range(12):
        slot = all_.inside[0]
        all_.ready(slot)
        slot.note(ends_soon=True)
        await all_.settle()
        seen.append(all_.slots.ahead)
        await all_.end(slot)
    assert seen[:3] == [1, 2, 3]
    assert max(seen) == MOST_AHEAD
    await all_.all_end()


async def test_once_more_are_ready_than_are_needed_fewer_are_made_so() -> None:
    all_ = await crowd(1)
    for _ in range(6):  # files that are sent sooner than the next is ready
        slot = all_.inside[0]
        all_.ready(slot)
        slot.note(ends_soon=True)
        await all_.settle()
        await all_.end(slot)
    assert all_.slots.ahead > 4
    for _ in range(12):  # and now the next ones are ready long before
        slot = all_.inside[0]
        for one in [*all_.inside]:
            all_.ready(one)
        slot.note(ends_soon=True)
        await all_.settle()
        await all_.end(slot)
    next(slot for slot in all_.inside if slot.is_sending).note(ends_soon=True)
    await all_.settle()
    assert all_.slots.ahead <= 2
    await all_.all_end()


async def test_what_was_given_up_teaches_nothing() -> None:
    all_ = await crowd(1)
    for _ in range(5):
        slot = all_.inside[0]
        all_.ready(slot)
        slot.note(ends_soon=True)
        await all_.settle()
        slot.note(ends_soon=False)  # what was out is lost, and the host is left
        await all_.end(slot)
    all_.ready(all_.inside[0])
    all_.inside[0].note(ends_soon=True)
    await all_.settle()
    assert all_.slots.ahead == 1
    await all_.all_end()


async def test_whoever_is_cancelled_while_it_waits_leaves_no_trace() -> None:
    slots = Slots(1)
    holding = Crowd(slots, 1)
    await holding.settle()
    waiting = Crowd(slots, 2)
    await waiting.settle()
    waiting._tasks[0].cancel()
    holding.inside[0].leave()  # before the cancelled one has run again
    await waiting.settle()
    assert (len(waiting.inside), slots.ahead) == (1, 1)
    await holding.all_end()
    await waiting.end(waiting.inside[0])
    await asyncio.gather(*waiting._tasks, return_exceptions=True)
    assert (slots.ahead, slots.sending) == (0, 0)


def test_a_slot_by_itself_may_send_at_once() -> None:
    slot = Slot()
    slot.ready(lambda: None)
    slot.note(ends_soon=True)
    assert slot.is_sending
    slot.leave()


def doings() -> st.SearchStrategy[list[tuple[str, int]]]:
    return st.lists(
        st.tuples(st.sampled_from(["ready", "ends_soon", "goes_on", "end"]), st.integers(0, 7)), max_size=40
    )


@given(number=st.integers(1, 4), doings=doings())
def test_no_slot_is_idle_beside_one_that_is_ready_and_no_more_are_made_ready_than_may(
    number: int, doings: list[tuple[str, int]]
) -> None:
    asyncio.run(_kept(number, doings))


async def _kept(number: int, doings: list[tuple[str, int]]) -> None:
    all_ = await crowd(number, 60)
    most = max(number, MOST_AHEAD)
    for what, which in doings:
        slot = all_.inside[which % len(all_.inside)]
        acts: dict[str, Callable[[], Any]] = {
            "ready": lambda slot=slot: all_.ready(slot),
            "ends_soon": lambda slot=slot: slot.note(ends_soon=True),
            "goes_on": lambda slot=slot: slot.note(ends_soon=False),
        }
        before = all_.slots.ahead
        if what == "end":
            await all_.end(slot)
        else:
            acts[what]()
            await all_.settle()
        slots = all_.slots
        sending = [one for one in all_.inside if one.is_sending]
        idle = [one for one in all_.inside if one.wake is not None and not one.is_sending]
        assert slots.sending == len(sending) <= number
        assert slots.ahead <= most
        assert not idle or slots.sending == number
        if slots.sending == number and not any(one.ends_soon for one in sending):
            assert slots.ahead <= before
        if slots.sending < number:
            assert slots.ahead >= 1  # whoever comes is made ready
    await all_.all_end()
    assert (all_.slots.ahead, all_.slots.sending) == (0, 0)


def test_there_are_hands_for_all_that_may_be_in_hand() -> None:
    for number in range(1, 65):
        assert Slots.hands(number) >= number + max(number, MOST_AHEAD) + 1
