"""The queues between the stages: upload ids, some of them not due yet, and what is still open.

What stands in a queue is a hint; the ledger is the truth, and a restart fills the queues from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from okdrop.drop import Upload
    from okdrop.pipeline.precedence import Precedence, Rank

_END: Final[Rank] = (math.inf,)
"""Comes out after whatever is due."""

IN_OTHER_HANDS: Final = 1.0
"""Seconds after which a second entry of an upload that somebody has in hand is looked at again."""


class Line:
    """A queue of upload ids that can be closed; an id put with a delay comes out when it is due.

    An id that is due stands in it once, however often it is put.

    Args:
        precedence: whose turn it is of those that are due; None: who was put first.
    """

    def __init__(self, precedence: Precedence | None = None) -> None:
        self._precedence: Final = precedence
        self._arrivals: Final = itertools.count()
        self._due: Final[asyncio.PriorityQueue[Rank]] = asyncio.PriorityQueue()
        self._standing: Final[dict[int, Rank]] = {}  # any other entry of an id is void
        self._timers: Final[dict[int, asyncio.TimerHandle]] = {}
        self._is_closed = False

    def note(self, row: Upload) -> None:
        """Take note of a row, by which the order goes; an id that is due gets its new place."""
        if self._precedence is not None:
            rank = self._precedence.note(row)
            if self._standing.get(row.id, rank) != rank:
                self._stand(row.id, rank)

    def put(self, upload: int, delay: float = 0.0) -> None:
        """Put an id in, due in `delay` seconds; one that waits already is due at the new time.

        Once the line is closed, it stays in the ledger alone.
        """
        waiting = self._timers.pop(upload, None)
        if waiting is not None:
            waiting.cancel()
        if self._is_closed:
            return
        if delay <= 0:
            self._ripe(upload)
            return
        loop = asyncio.get_running_loop()
        self._timers[upload] = loop.call_later(delay, self._ripen, upload)

    def retime(self, upload: int, delay: float) -> None:
        """Let an id that is not due yet be due in `delay` seconds; any other is left as it is."""
        if upload in self._timers:
            self.put(upload, delay)

    def remove(self, upload: int) -> None:
        """Forget an id that is not due yet."""
        if (timer := self._timers.pop(upload, None)) is not None:
            timer.cancel()

    def _ripen(self, upload: int) -> None:
        del self._timers[upload]
        self._ripe(upload)

    def _ripe(self, upload: int) -> None:
        if upload not in self._standing:
            rank = (next(self._arrivals), upload) if self._precedence is None else self._precedence.of(upload)
            self._stand(upload, rank)

    def _stand(self, upload: int, rank: Rank) -> None:
        self._standing[upload] = rank
        self._due.put_nowait(rank)

    @property
    def due(self) -> int:
        """How many ids are due, and wait for nothing but for somebody to take them."""
        return len(self._standing)

    async def get(self) -> int | None:
        """The next id that is due; None, to everyone, once the line is closed and emptied."""
        while (rank := await self._due.get()) != _END:
            upload = int(rank[-1])
            if self._standing.get(upload) == rank:
                del self._standing[upload]
                return upload
        self._due.put_nowait(_END)
        return None

    def close(self) -> None:
        """Nothing more comes; ids that are not due yet stay in the ledger alone."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._is_closed = True
        self._due.put_nowait(_END)


class Carrier(Protocol):
    """Whoever has the file of an upload in hand."""

    @property
    def row(self) -> Upload:
        """The upload as it is known now."""

    async def follow(self) -> None:
        """See whether the file has another name by now; if so, the ledger has it on return."""


class OpenUploads:
    """Which uploads of this run have not come to their end yet; `--once` ends when none is left.

    It also knows which of them are in somebody's hands, so that no upload ever is in two.
    """

    def __init__(self) -> None:
        self._ids: Final[set[int]] = set()
        self._left: Final[set[int]] = set()
        self._in_hand: Final[dict[int, Callable[[], object] | None]] = {}
        self._carriers: Final[dict[int, Carrier]] = {}
        self._none_left: Final = asyncio.Event()
        self._on_begin: Final[list[Callable[[int], object]]] = []
        self._listeners: Final[list[Callable[[int], object]]] = []
        self._on_unpark: Final[list[Callable[[int], object]]] = []
        self._parked: Final[dict[str, dict[int, Line]]] = {}
        self._account_of: Final[dict[int, str]] = {}  # of those that were parked once
        self._none_left.set()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, upload: int) -> bool:
        return upload in self._ids

    def __iter__(self) -> Iterator[int]:
        return iter([*self._ids])

    def begin(self, upload: int) -> bool:
        """An upload is on its way.

        Returns:
            Whether it was not yet: only who began it may put it in a line.
        """
        if upload in self._ids:
            return False
        self._ids.add(upload)
        self._none_left.clear()
        for listener in self._on_begin:
            listener(upload)
        return True

    def end(self, upload: int) -> None:
        """An upload came to its end, whichever."""
        self._ids.discard(upload)
        if (account := self._account_of.pop(upload, None)) is not None:
            self._parked.get(account, {}).pop(upload, None)
        for listener in self._listeners:
            listener(upload)
        if not self._ids:
            self._none_left.set()

    def leave(self, upload: int) -> None:
        """An upload is left as it is: it goes on with a later run."""
        self._left.add(upload)
        self.end(upload)

    def is_left(self, upload: int) -> bool:
        """Whether it goes on with a later run, and not with this one."""
        return upload in self._left

    def on_begin(self, listener: Callable[[int], object]) -> None:
        """Have `listener` told of each upload that is on its way from now on."""
        self._on_begin.append(listener)

    def on_end(self, listener: Callable[[int], object]) -> None:
        """Have `listener` told of each upload that comes to its end."""
        self._listeners.append(listener)

    def park(self, upload: int, account: str, line: Line) -> None:
        """An upload waits for its account, at no cost; it belongs into `line` once that is released."""
        self._parked.setdefault(account, {})[upload] = line
        self._account_of[upload] = account

    def park_again(self, upload: int, line: Line, is_halted: Callable[[str], bool]) -> bool:
        """Park an upload whose account is halted again; a hundred thousand need not be read for it."""
        account = self._account_of.get(upload)
        if account is None or not is_halted(account):
            return False
        self.park(upload, account, line)
        return True

    def on_unpark(self, listener: Callable[[int], object]) -> None:
        """Have `listener` told of each upload that waits no more for what its folder had said."""
        self._on_unpark.append(listener)

    def unpark(self, upload: int) -> None:
        """An upload waits no more for its account, or its folder's hours: they may be others by now."""
        for listener in self._on_unpark:
            listener(upload)
        if (account := self._account_of.pop(upload, None)) is not None:
            line = self._parked.get(account, {}).pop(upload, None)
            if line is not None:
                line.put(upload)

    def account_is_back(self, account: str) -> None:
        """Put all back that wait for an account."""
        for upload, line in self._parked.pop(account, {}).items():
            line.put(upload)

    @contextlib.contextmanager
    def taken(self, upload: int) -> Iterator[bool]:
        """Hold an upload in one's hands; False: another does, and this was a second entry in a line."""
        if upload in self._in_hand:
            yield False
            return
        self._in_hand[upload] = None
        try:
            yield True
        finally:
            del self._in_hand[upload]

    def on_let_go(self, upload: int, listener: Callable[[], object] | None) -> None:
        """Have `listener` called when the upload in one's hands is to be let go."""
        if upload in self._in_hand:
            self._in_hand[upload] = listener

    @contextlib.contextmanager
    def carried(self, upload: int, carrier: Carrier) -> Iterator[None]:
        """Know who carries an upload's file, so that it can be asked to look after its name."""
        self._carriers[upload] = carrier
        try:
            yield
        finally:
            del self._carriers[upload]

    async def follow(self, upload: int) -> bytes | None:
        """Have the file of an upload followed; returns its path, or None where nobody carries it."""
        if (carrier := self._carriers.get(upload)) is None:
            return None
        await carrier.follow()
        return carrier.row.drop.path

    async def make_way(self, path: bytes) -> None:
        """Another file lies at this path: what was carried from there may have another name by now."""
        for carrier in [one for one in self._carriers.values() if one.row.drop.path == path]:
            await carrier.follow()

    def is_in_hand(self, upload: int) -> bool:
        """Whether somebody is at work on it."""
        return upload in self._in_hand

    @property
    def in_hand(self) -> int:
        """How many are being worked on."""
        return len(self._in_hand)

    def let_go(self, upload: int) -> None:
        """Ask whoever has it in hand to stop."""
        if (listener := self._in_hand.get(upload)) is not None:
            listener()

    async def wait_until_none(self) -> None:
        """Return when nothing is open."""
        await self._none_left.wait()
