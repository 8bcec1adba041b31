"""okdrop as a process that kills itself, right before or after the n-th thing that it writes or asks OK.

DIE_AT=N:WHEN python dying.py run --once …; WHEN is "before" or "after". Nothing of okdrop knows of this.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import os
import signal
from typing import TYPE_CHECKING, Any

from crash.sites import WRITES
from okdrop.cli import main
from okdrop.client import Client
from okdrop.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def mortal(original: Callable[..., Any], things: Iterator[int], number: int, when: str) -> Callable[..., Any]:
    """Have this be a thing to die at."""

    @functools.wraps(original)
    async def counted(*arguments: Any, **keywords: Any) -> Any:
        is_it = next(things) == number
        if is_it and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await original(*arguments, **keywords)
        if is_it:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return counted


if __name__ == "__main__":
    turn, _, moment = os.environ["DIE_AT"].partition(":")
    count = itertools.count(1)
    calls = [name for name, call in inspect.getmembers(Client, inspect.iscoroutinefunction) if name[0] != "_"]
    for kind, names in ((Ledger, WRITES), (Client, calls)):
        for name in names:
            setattr(kind, name, mortal(getattr(kind, name), count, int(turn), moment))
    main()
