"""A crash as an event: what it was and where, and nothing of what the variables held.

A traceback shows files, lines and source text; never the values of variables, since those hold tokens and
signed URLs. The words of a foreign exception may quote either, and are made presentable.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from okdrop.errors import OkdropError
from okdrop.events import ServiceCrashed
from okdrop.protocol.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Iterator


def ended_by(error: BaseException) -> ServiceCrashed:
    """The event that an exception ended the process."""
    causes = [*_causes(error)]
    return ServiceCrashed(message=_words(causes[-1]), traceback="\n\n".join(map(_told, causes)).expandtabs(2))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions behind one, the first cause first; of a group, each member."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _causes(inner)
        return
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _causes(before)
    yield error


def _told(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    return f"{frames}\n{_words(error)}".lstrip()


def _words(error: BaseException) -> str:
    text = error.message if isinstance(error, OkdropError) else presentable(str(error))
    return f"{type(error).__qualname__}: {text}" if text else type(error).__qualname__
