"""Tells persons: gathers what is due in a lane into one message (`rhythm`), and has it sent (`messengers`).

Each lane's steps are in the ledger, and so is when something was told: neither what waits for the morning nor
how many messages went in the last minutes is forgotten by a restart.
"""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop.pipeline import messengers
from okdrop.pipeline.letters import letter_of
from okdrop.pipeline.outbox import Took
from okdrop.pipeline.rhythm import turn
from okdrop.steps import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from okdrop.pipeline.letters import Letter
    from okdrop.pipeline.messengers import Delivered, Receiver
    from okdrop.pipeline.parts import Parts
    from okdrop.steps import Step

AT_ONCE: Final = 2
"""Messages that are begun at once, at most: that is what costs the processor."""

QUICK: Final = 5.0
"""Seconds within which a message is commonly sent; one that takes longer only waits, and holds nobody up."""

GATHERED: Final = 1000
"""Steps that one message tells of, and that are looked at for one, at most."""


class Postman:
    """Takes the steps of messages.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts
        self._told: Final[dict[str, collections.deque[datetime]]] = {}
        self._begun: Final = asyncio.Semaphore(AT_ONCE)
        # Threads of its own: a messenger that hangs must not take one that files are read with. As many as
        # there are receivers, each of which is sent one message at a time: one must not take another's.
        self._threads: Final = concurrent.futures.ThreadPoolExecutor(
            max(1, len(parts.notices.receivers)), thread_name_prefix="message"
        )

    async def tell(self, step: Step) -> Took:
        """Tell what is due in a step's lane; or, where it is not the hour for any of it, say when it is."""
        lane, receiver = step.lane, self._parts.notices.receivers[step.lane]
        told = await self._told_of(lane, receiver)
        rhythm = receiver.rhythm
        waiting = await self._parts.ledger.waiting_in(
            lane, at_most=GATHERED, first=rhythm.urgent, last=rhythm.last
        )
        now = self._parts.now()
        chosen = turn(rhythm, waiting, told, now)
        if not chosen.ids:
            return Took(outcome=None, not_before=chosen.until or now)
        about = await self._parts.ledger.steps(chosen.ids)
        letter = letter_of([json.loads(one.payload) for one in about], receiver.language)
        delivered = await self._deliver(receiver, letter)
        if delivered.well:
            told.append(self._parts.now())
        return _took(delivered, receiver, about)

    async def _told_of(self, lane: str, receiver: Receiver) -> collections.deque[datetime]:
        """When messages of a lane were sent, as far as that counts; the ledger is asked once."""
        if lane not in self._told:
            since = self._parts.now() - timedelta(seconds=receiver.rhythm.per)
            found = await self._parts.ledger.told_since(lane, since)
            self._told[lane] = collections.deque(found, maxlen=receiver.rhythm.at_most)
        return self._told[lane]

    async def _deliver(self, receiver: Receiver, letter: Letter) -> Delivered:
        """Send a message; when nobody waits any more, whoever sends it is ended."""
        stop, environment = threading.Event(), self._parts.notices.environment
        loop = asyncio.get_running_loop()
        try:
            async with self._begun:
                sending = loop.run_in_executor(
                    self._threads, lambda: messengers.deliver(receiver, letter, environment, stop=stop)
                )
                await asyncio.wait({sending}, timeout=QUICK)
            return await sending
        finally:
            stop.set()


def _took(delivered: Delivered, receiver: Receiver, about: list[Step]) -> Took:
    together = f", {len(about)} in one message" if len(about) > 1 else ""
    if delivered.well:
        return Took(outcome=Outcome.DONE, said=delivered.said + together, about=about)
    if delivered.final:
        return Took(outcome=Outcome.GIVEN_UP, said=delivered.said, about=about)
    return Took(outcome=None, said=delivered.said, tries=receiver.tries, within=receiver.within, about=about)
