"""Takes the steps that follow from events (`okdrop.steps`), one after the other in each lane.

    a write of a row ──► steps, in its transaction ──► lane "hook:NAME"     ──► a command is run
    an alarm         ──► steps                         lane "webhook:NAME"  ──► an address is told
                                                       lane "notify:NAME"   ──► a person is told
                                                       lane "files"         ──► sidecars, receipts

What is taken is closed by a write of its own, so a process that dies in between takes it again. Nobody waits
for a lane, and a lane that hangs holds up itself alone. What cannot be taken now is put off, with pauses that
grow to an hour; and a receiver that is away, or a hook that hung, is left in peace for a while by all of its
steps. In a lane that tells a person several steps may go in one message, or wait for their hour (`Postman`).
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.errors import Trouble
from okdrop.pipeline.after import patient
from okdrop.pipeline.alarms import Alarm, alarm_of
from okdrop.pipeline.notices import told
from okdrop.steps import FILES, Kind, Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from okdrop.pipeline.parts import Parts
    from okdrop.steps import Step

LONGEST_PAUSE: Final = 3600.0
"""Seconds between two tries of a step, at most."""

LANE_PAUSE: Final = 60.0
"""Seconds for which a lane rests after trouble, at most: the next step would meet the same."""

SECONDS_AT_THE_END: Final = 30.0
"""How long a run that ends still has for telling of an alarm."""

SECONDS_FOR_THE_REST: Final = 600.0
"""How long a run that has nothing else to do goes on with what is due; what is left is the next run's."""

HEED_EVERY: Final = 0.5
"""Seconds between two looks at a lane whose steps wait for their hour, at least, whatever comes meanwhile."""

_AGAIN: Final = frozenset({Kind.HOOK, Kind.WEBHOOK, Kind.NOTIFY})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What came of one try at a step.

    Attributes:
        outcome: how it ended; None: it is to be tried again.
        said: what came of it, for a person.
        output: the last lines that a command wrote.
        retry_after: seconds that we were asked to wait.
        tries: how often it is tried at most.
        within: seconds from the event on after which it is not tried again, if it was tried three times.
        hung: it took all the time that it had; the next step of its lane might as well.
        about: the steps that were taken together, where it is not the one that was handed over.
        not_before: nothing was tried: it is not the hour. None: it was.
    """

    outcome: Outcome | None
    said: str = ""
    output: str = ""
    retry_after: float | None = None
    tries: int = 100
    within: float = 7 * 86_400.0
    hung: bool = False
    about: Sequence[Step] = ()
    not_before: datetime | None = None


if TYPE_CHECKING:
    Take: TypeAlias = Callable[[Step], Awaitable[Took]]

_TRIED_AT_LEAST: Final = 3
"""A process that was away for long has not tried at all."""


class Outbox:
    """Serves every lane.

    Args:
        parts: what all stages share.
        takers: who takes the steps of each kind.
    """

    def __init__(self, parts: Parts, takers: Mapping[Kind, Take]) -> None:
        self._parts: Final = parts
        lanes = dict.fromkeys([FILES, *(one.lane for one in parts.notices.listeners)])
        self._lanes: Final = {lane: _Lane(parts, lane, takers) for lane in lanes}
        self._alarms: Final[list[Alarm]] = []
        self._alarmed: Final = asyncio.Event()
        self._writing: Final = asyncio.Lock()

    def wake(self) -> None:
        """Steps were written."""
        for lane in self._lanes.values():
            lane.wake()

    def hear(self, event: events.Event) -> None:
        """Take note of a halt and the like: no row of the ledger tells of it."""
        alarm = alarm_of(event, self._parts.now())
        if alarm is not None:
            self._alarms.append(alarm)
            self._alarmed.set()

    @property
    def owes_an_alarm(self) -> bool:
        """Whether one was heard that no step tells of yet."""
        return bool(self._alarms)

    async def run(self) -> None:
        """Go on until cancelled."""
        await self._drop_unserved()
        async with asyncio.TaskGroup() as group:
            if self._parts.brake.stays:  # else an alarm is told when all else is done
                group.create_task(self._note_alarms())
            for lane in self._lanes.values():
                group.create_task(lane.run())

    async def wait_until_none(self) -> None:
        """Return when nothing is due that can be done now; while `run` goes on."""
        await self._write_alarms()
        while not all(lane.is_idle for lane in self._lanes.values()):
            for lane in self._lanes.values():
                await lane.wait_until_idle()

    async def finish(self) -> None:
        """Go on with what is due for a while; in a run that ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_FOR_THE_REST):
                await self.wait_until_none()

    async def tell_at_the_end(self) -> None:
        """Tell of the alarms of a run that ends; what does not succeed in time is left to the next run."""
        running = asyncio.ensure_future(self.run())
        until = asyncio.ensure_future(self.wait_until_none())
        both = {running, until}
        try:
            await asyncio.wait(both, timeout=SECONDS_AT_THE_END, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)
        if not running.cancelled():
            running.result()

    async def _drop_unserved(self) -> None:
        """Nobody takes the steps of a hook or a webhook that is not configured any more."""
        for lane in await self._parts.ledger.lanes():
            if lane not in self._lanes:
                said = "it is not configured any more"
                count = await self._parts.ledger.drop_lane(lane, said=said)
                self._parts.emit(events.StepsDropped(lane=lane, count=count))

    async def _note_alarms(self) -> None:
        while True:
            await self._alarmed.wait()
            await self._write_alarms()

    async def _write_alarms(self) -> None:
        async with self._writing:
            while self._alarms:
                alarm = self._alarms[0]
                hearing = [
                    one
                    for one in self._parts.notices.listeners
                    if one.hears(alarm.occasion, alarm.folder, ends=alarm.ends)
                ]
                steps = told(alarm.facts, alarm.occasion, hearing, upload=None)
                if steps:
                    await self._parts.ledger.add_steps(steps)
                self._alarms.pop(0)
            self._alarmed.clear()


class _Lane:
    """One lane: its steps are taken one after the other, those that are due first."""

    def __init__(self, parts: Parts, lane: str, takers: Mapping[Kind, Take]) -> None:
        self._parts: Final = parts
        self._lane: Final = lane
        self._takers: Final = takers
        self._news: Final = asyncio.Event()
        self._idle: Final = asyncio.Event()
        self._rests_until = -math.inf
        self._hour: datetime | None = None  # until then nothing of it is told, but for what is new
        self._looked = -math.inf
        self._troubles = 0
        self._told = ""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is due."""
        return self._idle.is_set()

    async def wait_until_idle(self) -> None:
        """Return when nothing is due that can be done now."""
        await self._idle.wait()

    def wake(self) -> None:
        """There may be a new step."""
        self._hour = None
        self._idle.clear()
        self._news.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            self._news.clear()
            step = await self._parts.ledger.next_step(self._lane)
            delay = self._until(step)
            if step is not None and not delay:
                await self._take(step)
            elif not self._news.is_set():
                self._idle.set()
                await self._wait(delay)

    async def _wait(self, delay: float) -> None:
        try:
            async with asyncio.timeout(None if delay == math.inf else delay):
                await self._news.wait()
        except TimeoutError:
            self._idle.clear()

    def _until(self, step: Step | None) -> float:
        """Seconds until a step may be tried; inf where there is none."""
        if step is None:
            return math.inf
        now = self._parts.now()
        left = (step.due_at - now).total_seconds()
        if left > LONGEST_PAUSE:  # the clock ran ahead when that was written
            left = 0.0
        if self._hour is not None:
            left = max(left, min((self._hour - now).total_seconds(), LONGEST_PAUSE))
        return max(0.0, left, self._rests_until - self._parts.monotonic())

    async def _take(self, step: Step) -> None:
        await asyncio.sleep(max(0.0, self._looked + HEED_EVERY - self._parts.monotonic()))
        took = await self._takers[step.kind](step)
        if took.not_before is not None:
            self._looked = self._parts.monotonic()
            if not self._news.is_set():  # else what it was decided by is not all that there is
                self._hour = took.not_before
            return
        about = took.about or (step,)
        tries = max(one.tries for one in about) + 1
        if took.outcome is None:
            await self._not_now(about, took)
            return
        self._told = ""
        if took.hung:
            self._rest(Trouble(took.said))
        else:
            self._troubles = 0
        numbers = [one.id for one in about]
        await self._parts.ledger.close_steps(numbers, took.outcome, said=took.said, output=took.output)
        if step.kind not in _AGAIN:
            return  # whoever took it told what came of it
        if took.outcome is Outcome.DONE:
            self._emit(events.StepDone, about, said=took.said, tries=tries)
        elif took.outcome is Outcome.GIVEN_UP:
            self._emit(events.StepGivenUp, about, said=took.said, tries=tries)
        else:
            self._emit(events.StepFailed, about, said=took.said)

    async def _not_now(self, about: Sequence[Step], took: Took) -> None:
        over = [one for one in about if self._is_over(one, took)]
        if over:
            await self._parts.ledger.close_steps(
                [one.id for one in over], Outcome.GIVEN_UP, said=took.said, output=took.output
            )
            tries = max(one.tries for one in over) + 1
            self._emit(events.StepGivenUp, over, said=took.said, tries=tries)
        if left := [one for one in about if one not in over]:
            await self._put_off(left, took)

    def _is_over(self, step: Step, took: Took) -> bool:
        """Whether a step that cannot be taken now is given up."""
        tries, age = step.tries + 1, (self._parts.now() - step.created_at).total_seconds()
        return tries >= took.tries or (age > took.within and tries >= _TRIED_AT_LEAST)

    async def _put_off(self, about: Sequence[Step], took: Took) -> None:
        tries = max(one.tries for one in about) + 1
        error = Trouble(took.said, retry_after=took.retry_after)
        delay = patient(self._parts.backoff).delay(error, tries, self._parts.chance())
        delay = min(delay, LONGEST_PAUSE)
        if self._lane != FILES:  # each file has trouble of its own
            self._rest(error)
        due_at = self._parts.now() + timedelta(seconds=delay)
        numbers = [one.id for one in about]
        await self._parts.ledger.put_off_steps(numbers, due_at=due_at, said=took.said, output=took.output)
        if took.said != self._told:
            self._told = took.said
            self._emit(events.StepTrouble, about, said=took.said, delay=round(delay, 3), tries=tries)

    def _rest(self, error: Trouble) -> None:
        self._troubles += 1
        rest = self._parts.backoff.delay(error, self._troubles, self._parts.chance())
        self._rests_until = self._parts.monotonic() + min(rest, LANE_PAUSE)

    def _emit(self, kind: Callable[..., events.Event], about: Sequence[Step], **facts: object) -> None:
        upload = about[0].upload if len(about) == 1 else None
        occasion = ", ".join(dict.fromkeys(one.event for one in about))
        self._parts.emit(kind(upload=upload or 0, lane=self._lane, occasion=occasion, **facts))
