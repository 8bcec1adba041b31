"""How a run is asked to stop: signals, the drain and its deadline, the cut.

    first SIGTERM or SIGINT ──► drain: nothing new begins, segments under way land ──► exit 0
      (SIGINT in `upload` cuts)       │
                                      ├─ `drain_timeout` seconds later ──► cut ──► exit 0
                                      └─ a second signal ───────────────► cut ──► exit 130

A cut cancels every task once. What was handed to the ledger before is written all the same: closing it
waits for its thread. Either way nothing is lost: the server keeps its bytes and the ledger knows the ticket.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import threading
from typing import TYPE_CHECKING, Final

from okdrop import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from okdrop.events import Emit
    from okdrop.pipeline import Brake

LAST_RESORT: Final = 5.0
"""Seconds from the end of the run to that of the process, at most."""

_BOTH: Final[Sequence[signal.Signals]] = (signal.SIGTERM, signal.SIGINT)


@dataclasses.dataclass(slots=True, kw_only=True)
class Stop:
    """How the run was asked to stop.

    Args:
        brake: pulled by the first signal.
        emit: told of it.
        drain_timeout: seconds from then to the cut.
        interrupt_cuts: SIGINT cuts at once.
        cut: cancels the run; called once at most.
    """

    brake: Brake
    emit: Emit
    drain_timeout: float
    interrupt_cuts: bool
    cut: Callable[[], object]
    signals: int = 0
    was_cut: bool = False  #: by hand
    _is_cut: bool = False

    def __post_init__(self) -> None:
        # A halt that ends a run drains as a signal does: what is in flight may land, but not for ever.
        self.brake.listen(self._bound_the_drain)

    def __call__(self, number: signal.Signals) -> None:
        """Heed a signal."""
        self.signals += 1
        if self.signals > 1 or (self.interrupt_cuts and number is signal.SIGINT):
            self.was_cut = True
            self._cut()
            return
        self.emit(events.DrainStarted(signal=number.name, timeout=self.drain_timeout))
        self.brake.pull()

    def _bound_the_drain(self) -> None:
        if self.brake.is_pulled:
            asyncio.get_running_loop().call_later(self.drain_timeout, self._cut)

    def _cut(self) -> None:
        # Once: a second cancellation would interrupt the last writes to the ledger too.
        if not self._is_cut:
            self._is_cut = True
            self.cut()


class Outside:
    """Heeds signals while no event loop does; for the process that is a run, not for a part of one.

    Before the run, whoever is asked to end has begun nothing, and ends well; `okdrop.entry` heeds them until
    this is imported. After it the process is ending anyway; what hangs on its way out (a thread that reads
    from a mount without its server) is left behind.

    Args:
        stays: SIGHUP is for reading credentials again, and must not end a process that is just starting.
        interrupted: the exit code where SIGINT came before the run.
        last_resort: seconds that the way out may take.
    """

    def __init__(self, *, stays: bool, interrupted: int = 0, last_resort: float = LAST_RESORT) -> None:
        self._interrupted: Final = interrupted
        self._numbers: Final = (*_BOTH, signal.SIGHUP) if stays else _BOTH
        self._last_resort: Final = last_resort
        self._has_begun = False

    def heed(self) -> None:
        """Heed signals from now on."""
        for number in self._numbers:
            signal.signal(number, self)

    def begin(self) -> None:
        """The run has begun: its own handlers count from now on, and after it its own exit code."""
        self._has_begun = True

    def end(self, code: int) -> None:
        """The run has ended, with that exit code: nothing changes that any more."""
        for number in self._numbers:
            signal.signal(number, signal.SIG_IGN)
        last = threading.Timer(self._last_resort, os._exit, [code])
        last.daemon = True
        last.start()

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Heed a signal."""
        if not self._has_begun and number != signal.SIGHUP:
            # At once: an exception would be lost in a finalizer, say, which an import may run.
            os._exit(self._interrupted if number == signal.SIGINT else 0)


@contextlib.contextmanager
def signals(stop: Stop, *, hang_up: Callable[[], object] | None = None) -> Iterator[None]:
    """Have the event loop heed signals, within the block.

    Args:
        stop: heeds SIGTERM and SIGINT.
        hang_up: heeds SIGHUP; None: that ends the process, as by default.
    """
    loop = asyncio.get_running_loop()
    numbers = _BOTH if hang_up is None else (*_BOTH, signal.SIGHUP)
    with _handlers_kept(numbers) as before:
        for number in _BOTH:
            loop.add_signal_handler(number, stop, number)
        if hang_up is not None:
            loop.add_signal_handler(signal.SIGHUP, hang_up)
        for handler in before:
            if isinstance(handler, Outside):
                handler.begin()
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


@contextlib.contextmanager
def _handlers_kept(numbers: Sequence[signal.Signals]) -> Iterator[list[object]]:
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield [*before.values()]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
