"""A halted account goes on by itself, once what was wrong is mended: on this machine, or on OK's side.

    halted ──► are there other credentials on disk? ── accepted ──► goes on, without alarm
                 │ no, or refused
                 ▼
               said once ──► looks every few seconds ── others on disk, accepted ──► pool.resumed
                 ▲                │
                 │                └─ every `retry_every`: OK accepts those in use? ──► half-open: all goes on,
                 │                                                                     and nothing is said yet
                 └── halted again ◄──┘──► a call of the kind that was refused succeeds ──► pool.resumed

What is said once is said again only after it was resumed in truth, or for another reason. What is written
down of it (`pipeline.halt_note`) is for the eye: whoever restarts the daemon asks anew. Each account is
looked after by itself.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import State
from okdrop.errors import ConfigurationError, Halted, UploadError
from okdrop.pipeline.accounts import client_of
from okdrop.pipeline.glance import WITHIN, Glance

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.client import Credentials, Keyring
    from okdrop.pipeline.parts import Parts

LOOK_EVERY: Final = 2.0
"""Seconds between looks at the credentials on disk, while the pool is halted."""

NEW: Final = "OK accepts the new credentials"
SAME: Final = "OK accepts it again"

_HANGS: Final = (
    "reading the configuration takes too long; see whether the files and mounts that it names can be read"
)

_PROOFS: Final[dict[State | None, tuple[type[events.TicketIssued | events.UploadPublished], ...]]] = {
    # Where an upload was refused → what shows that one like it is not refused any more.
    State.UPLOADING: (events.TicketIssued, events.UploadPublished),
    State.FINALIZING: (events.UploadPublished,),
}


class Mending:
    """Waits for what was wrong with an account to be mended, and lets it go on.

    Args:
        parts: what all stages share.
        keyring: the account's credentials in use.
        read: reads those on disk; called in a thread, where it may hang; raises ConfigurationError.
        retry_every: seconds between tries with the same credentials.
        account: whose; "" is that of `[ok]`.
        is_used: it is asked at the start whether OK accepts its credentials.
        look_every: seconds between looks at the disk.
        read_within: seconds for which a look is waited for; the next one begins anew.
    """

    def __init__(
        self,
        parts: Parts,
        keyring: Keyring,
        read: Callable[[], Credentials],
        *,
        retry_every: float,
        account: str = "",
        is_used: bool = True,
        look_every: float = LOOK_EVERY,
        read_within: float = WITHIN,
    ) -> None:
        self._parts: Final = parts
        self._brake: Final = parts.brake
        self._client: Final = client_of(parts, account)
        self._account: Final = account
        self._is_used: Final = is_used
        self._keyring: Final = keyring
        self._read: Final = Glance(read, within=read_within)
        self._retry_every: Final = retry_every
        self._look_every: Final = look_every
        self._one_at_a_time: Final = asyncio.Lock()
        self._asked_to_read: Final = asyncio.Event()
        self._refused: Credentials | None = None
        self._unanswered = 0
        self._not_before = 0.0
        self._unreadable = ""
        self._told: Halted | None = None
        self._told_at: State | None = None
        self._since = 0.0

    # --- what runs ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look after halts; ends when cancelled."""
        await self._ask_at_the_start()
        while True:
            await self._brake.wait_until_held(self._account)
            await self._see_to_it()

    async def heed_requests(self) -> None:
        """Read the credentials again whenever `reread` asks for it; ends when cancelled."""
        while True:
            await self._asked_to_read.wait()
            self._asked_to_read.clear()
            before = self._keyring.in_use
            renewed = await self._renew()
            changed = self._keyring.in_use != before
            self._parts.emit(events.ServiceReloaded(changed=changed, account=self._account))
            if renewed:
                self._tell_resumed(NEW)
                self._brake.release(self._account)

    def reread(self) -> None:
        """Read the credentials again, halted or not."""
        self._asked_to_read.set()

    def hear(self, event: events.Event) -> None:
        """Take note of what proves that the pool was resumed in truth."""
        if self._told is not None and not self._brake.is_halted_for(self._account):
            proofs = _PROOFS.get(self._told_at, _PROOFS[State.UPLOADING])
            if isinstance(event, proofs) and event.account == self._account:
                self._tell_resumed(SAME)

    # --- a halt -----------------------------------------------------------------------------------------

    async def _ask_at_the_start(self) -> None:
        """Dead credentials are said at once, rather than with the first video of the night."""
        if not self._is_used:
            return
        try:
            await self._client.current_user()
        except Halted as error:
            self._brake.halt(error, account=self._account)
        except UploadError:
            pass  # offline, say: the first upload will find out

    async def _see_to_it(self) -> None:
        if await self._renew():
            self._go_on(NEW)
            return
        self._tell_halted()
        due = self._parts.monotonic() + self._retry_every
        while await self._holds_after_a_pause(due):
            if await self._renew():
                self._go_on(NEW)
            elif self._parts.monotonic() >= due:
                await self._try_the_same()
                due = self._parts.monotonic() + self._retry_every

    async def _holds_after_a_pause(self, due: float) -> bool:
        if self._brake.is_halted_for(self._account):
            await asyncio.sleep(max(0.0, min(self._look_every, due - self._parts.monotonic())))
        return self._brake.is_halted_for(self._account)  # a request to read may have let it go on

    async def _try_the_same(self) -> None:
        """A permission may have been granted on OK's side, and a ban lifted."""
        try:
            await self._client.current_user()
        except Halted as error:
            self._tell_halted(error)
        except UploadError:
            pass  # not answered: another time
        else:
            if self._told_at is None:
                self._go_on(SAME)  # it was this very call that was refused
            else:
                self._brake.release(self._account)

    # --- credentials on disk ------------------------------------------------------------------------------

    async def _renew(self) -> bool:
        """Whether there are other credentials on disk, which OK accepts; they are in use then."""
        async with self._one_at_a_time:
            keys = await self._on_disk()
            if keys is None or keys in (self._keyring.in_use, self._refused):
                return False
            if self._parts.monotonic() < self._not_before:
                return False
            try:
                await self._client.current_user(keys)
            except Halted as error:
                self._refused = keys
                self._tell_refused(error)
                return False
            except UploadError as error:  # not answered: they are tried again
                self._unanswered += 1
                delay = self._parts.backoff.delay(error, self._unanswered, self._parts.chance())
                self._not_before = self._parts.monotonic() + delay
                return False
            self._keyring.in_use, self._refused, self._unanswered = keys, None, 0
            return True

    async def _on_disk(self) -> Credentials | None:
        try:
            keys = await self._read()
        except ConfigurationError as error:
            self._tell_unreadable(error.message)  # half-written, perhaps
            return None
        except TimeoutError:
            self._tell_unreadable(_HANGS)
            return None
        self._unreadable = ""
        return keys

    def _tell_unreadable(self, message: str) -> None:
        """Say so once; it is looked at again."""
        if message != self._unreadable:
            self._unreadable = message
            self._parts.emit(events.CredentialsUnreadable(message=message, account=self._account))

    # --- what is said ----------------------------------------------------------------------------------

    def _go_on(self, reason: str) -> None:
        if self._told is not None:
            self._tell_resumed(reason)
        else:
            self._parts.emit(events.CredentialsRenewed(account=self._account))
        self._brake.release(self._account)

    def _tell_refused(self, error: Halted) -> None:
        self._parts.emit(
            events.CredentialsRefused(
                code=error.code, message=error.message, hint=error.hint, account=self._account
            )
        )

    def _tell_resumed(self, reason: str) -> None:
        told, self._told = self._told, None
        if told is not None:
            seconds = round(self._parts.monotonic() - self._since, 3)
            self._parts.emit(
                events.PoolResumed(code=told.code, reason=reason, seconds=seconds, account=self._account)
            )

    def _tell_halted(self, why: Halted | None = None) -> None:
        halted = self._brake.halt_of(self._account)
        why = why or halted
        if why is None:
            return
        if self._told is None:
            self._since = self._parts.monotonic()
        if why is halted:
            self._told_at = self._brake.halt_at(self._account)
        if self._told is None or self._told.code != why.code:
            self._parts.emit(
                events.PoolHalted(code=why.code, message=why.message, hint=why.hint, account=self._account)
            )
        self._told = why
