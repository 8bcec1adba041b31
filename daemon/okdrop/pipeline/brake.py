"""What lets the stages work, holds them, or ends them."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from okdrop.drop import State
    from okdrop.errors import Halted


@dataclasses.dataclass(slots=True)
class _Halt:
    """What holds one account."""

    held: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    why: Halted | None = None
    at: State | None = None


class Brake:
    """Asks the stages to stop at the next segment boundary: for good, or for a while.

    Pulled, by a signal, it ends the run. Halted, by dead credentials, it holds what is sent for one account
    until that is released. Once every account is halted it holds everything, in a daemon that stays; a run
    that ends is ended by it. Paused, by a person, it holds everything until that person has it go on.

    Args:
        stays: a halt of every account holds; else it pulls.
        accounts: those that there are; "" is that of `[ok]`. Another one may be halted too, which is no
            reason to hold all.
    """

    def __init__(self, *, stays: bool = False, accounts: Collection[str] = ("",)) -> None:
        self.stays: Final = stays
        self._accounts: Final = frozenset(accounts)
        self._pulled: Final = asyncio.Event()
        self._free: Final = asyncio.Event()
        self._free.set()
        self._halts: Final[dict[str, _Halt]] = {}
        self._listeners: Final[list[Callable[[], object]]] = []
        self._on_release: Final[list[Callable[[str], object]]] = []
        self._paused = False

    # --- how it stands --------------------------------------------------------------------------------

    @property
    def is_pulled(self) -> bool:
        """Whether the run ends."""
        return self._pulled.is_set()

    @property
    def holds(self) -> bool:
        """Whether nothing new may be begun for anybody, for now or for good."""
        return self.is_halted or self._paused

    def holds_for(self, account: str) -> bool:
        """Whether nothing new may be begun for an account, for now or for good."""
        return self.holds or self.is_halted_for(account)

    @property
    def is_halted(self) -> bool:
        """Whether the run ends, or what is missing has to be mended first; a pause is neither."""
        return self.is_pulled or self._all_are_halted

    def is_halted_for(self, account: str) -> bool:
        """Whether that is so for one account."""
        return self.is_pulled or self.halt_of(account) is not None

    @property
    def is_paused(self) -> bool:
        """Whether a person asked for a pause."""
        return self._paused

    @property
    def halted(self) -> Halted | None:
        """Why the first of the accounts that are halted is so; None: none is."""
        return next((halt.why for halt in self._halts.values() if halt.why is not None), None)

    @property
    def halted_at(self) -> State | None:
        """Where the upload stood that met it; None: no upload did."""
        return next((halt.at for halt in self._halts.values() if halt.why is not None), None)

    def halt_of(self, account: str) -> Halted | None:
        """Why an account is halted; None: it is not."""
        halt = self._halts.get(account)
        return halt.why if halt is not None else None

    def halt_at(self, account: str) -> State | None:
        """Where the upload stood that met it; None: no upload did."""
        halt = self._halts.get(account)
        return halt.at if halt is not None else None

    @property
    def halted_accounts(self) -> frozenset[str]:
        """Which accounts are halted."""
        return frozenset(account for account, halt in self._halts.items() if halt.why is not None)

    @property
    def _all_are_halted(self) -> bool:
        return bool(self._accounts) and all(self.halt_of(account) is not None for account in self._accounts)

    # --- what is done with it -------------------------------------------------------------------------

    def pull(self) -> None:
        """End the run."""
        if not self.is_pulled:
            self._pulled.set()
            self._free.set()
            self._tell()

    def halt(self, why: Halted, at: State | None = None, *, account: str = "") -> bool:
        """Hold what is sent for an account until `release`; a run that ends, ends once all are halted.

        Args:
            why: what is missing.
            at: where the upload stands that met it.
            account: whose it is.

        Returns:
            Whether this is news: the first reason stays.
        """
        if self.is_halted_for(account):
            return False
        halt = self._halt(account)
        halt.why, halt.at = why, at
        halt.held.set()
        if self._all_are_halted and not self.stays:
            self.pull()
            return True
        self._free_unless_held()
        self._tell()
        return True

    def release(self, account: str = "") -> None:
        """What was wrong with an account is mended: go on."""
        if not self.is_pulled:
            halt = self._halt(account)
            halt.why = halt.at = None
            halt.held.clear()
            self._free_unless_held()
            for listener in self._on_release:
                listener(account)

    def pause(self) -> bool:
        """Hold until `go_on`, whatever else is mended meanwhile.

        Returns:
            Whether this is news.
        """
        if self._paused:
            return False
        self._paused = True
        if not self.is_pulled:
            self._free_unless_held()
            self._tell()
        return True

    def go_on(self) -> bool:
        """The pause is over; what is halted stays so.

        Returns:
            Whether there was one.
        """
        if not self._paused:
            return False
        self._paused = False
        self._free_unless_held()
        return True

    def _halt(self, account: str) -> _Halt:
        return self._halts.setdefault(account, _Halt())

    def _free_unless_held(self) -> None:
        if self.is_pulled or not self.holds:
            self._free.set()
        else:
            self._free.clear()

    # --- who waits for it -----------------------------------------------------------------------------

    async def wait(self) -> None:
        """Return when it is pulled."""
        await self._pulled.wait()

    async def wait_until_held(self, account: str = "") -> None:
        """Return when an account is halted."""
        await self._halt(account).held.wait()

    async def wait_until_free(self) -> bool:
        """Wait while it holds everything.

        Returns:
            Whether work may be begun; not once it is pulled.
        """
        await self._free.wait()
        return not self.is_pulled

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call `listener` whenever it begins to hold or is pulled; returns what takes the listener off."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def on_release(self, listener: Callable[[str], object]) -> None:
        """Call `listener` with each account that is released."""
        self._on_release.append(listener)

    def _tell(self) -> None:
        for listener in [*self._listeners]:
            listener()
