"""Tells others: runs hooks, a few at once, and tells webhooks."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import json
import os
import threading
from typing import TYPE_CHECKING, Final

from okdrop import hooks
from okdrop.pipeline.notices import variables_of
from okdrop.pipeline.outbox import Took
from okdrop.steps import Outcome

if TYPE_CHECKING:
    from okdrop.client.webhooks import Webhooks
    from okdrop.pipeline.parts import Parts
    from okdrop.steps import Step

HOOKS_AT_ONCE: Final = 4
"""Commands that run at once, at most."""

HOOK_TRIES: Final = 100
HOOK_WITHIN: Final = 86_400.0
"""How often, and for how many seconds, a hook is run that asks for another try."""


class Herald:
    """Takes the steps of hooks and webhooks.

    Args:
        parts: what all stages share.
        webhooks: the way out.
    """

    def __init__(self, parts: Parts, webhooks: Webhooks | None) -> None:
        self._parts: Final = parts
        self._webhooks: Final = webhooks
        # Threads of its own: a hook that hangs must not take one that files are read with. Python waits for
        # them at its end, so that none outlives the process.
        self._threads: Final = concurrent.futures.ThreadPoolExecutor(HOOKS_AT_ONCE, thread_name_prefix="hook")

    async def run_hook(self, step: Step) -> Took:
        """Run the command of a step's hook; when nobody waits any more, it is ended."""
        command = self._parts.notices.commands[step.lane]
        facts, inherited = json.loads(step.payload), self._parts.notices.environment
        environment = {os.fsencode(name): os.fsencode(value) for name, value in inherited.items()}
        stop = threading.Event()
        work = functools.partial(
            hooks.run,
            command.command,
            environment=environment | variables_of(facts),
            document=step.payload.encode() + b"\n",
            timeout=command.timeout,
            stop=stop,
        )
        try:
            ran = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            stop.set()
        if ran.again:
            return Took(outcome=None, said=ran.said, output=ran.output, tries=HOOK_TRIES, within=HOOK_WITHIN)
        outcome = Outcome.DONE if ran.well else Outcome.FAILED
        return Took(outcome=outcome, said=ran.said, output=ran.output, hung=ran.overdue)

    async def tell(self, step: Step) -> Took:
        """Tell the address of a step's webhook."""
        address = self._parts.notices.addresses[step.lane]
        if self._webhooks is None:
            return Took(outcome=Outcome.DROPPED, said="there is no way out")
        told = await self._webhooks.tell(
            address,
            key=json.loads(step.payload)["event_id"],
            event=step.event,
            body=step.payload.encode(),
            now=self._parts.now(),
        )
        if told.taken:
            return Took(outcome=Outcome.DONE, said=told.said)
        if told.gone:
            return Took(outcome=Outcome.GIVEN_UP, said=told.said)
        return Took(
            outcome=None,
            said=told.said,
            retry_after=told.retry_after,
            tries=address.tries,
            within=address.give_up_after,
        )
