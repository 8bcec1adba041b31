"""What every command starts with: its options, the configuration, the ledger."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from okdrop.cli.answer import complain
from okdrop.errors import LedgerError, OkdropError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from typing import Any

    from okdrop.config import Config
    from okdrop.ledger import Reader

T = TypeVar("T")

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        readable=False,  # that is found out on reading it, and told in our words
        help="The configuration; else $OKDROP_CONFIG, else /etc/okdrop/okdrop.toml.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The answer for programs, as JSON.")]


def expected(error: BaseException) -> OkdropError | None:
    """The first of the errors that a command may end with; None if there is any other among them."""
    if isinstance(error, BaseExceptionGroup):
        found = [expected(inner) for inner in error.exceptions]
        return None if None in found else found[0]
    return error if isinstance(error, OkdropError) else None


def in_words(error: OkdropError) -> str:
    """What happened, and what to do about it."""
    return f"{error.message}; {error.hint}" if error.hint else error.message


def loaded(config_file: Path | None, *, secrets: bool = True) -> Config:
    """The configuration that a command goes by; without secrets for one that talks to nobody."""
    from okdrop.config import load  # noqa: PLC0415 - help and version need none

    return load(config_file, os.environ, secrets=secrets)


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    import asyncio  # noqa: PLC0415 - commands that only read need no loop

    return asyncio.run(work)


def ledger_url(config_file: Path | None) -> str:
    """Where the ledger is."""
    return loaded(config_file, secrets=False).ledger.url.get_secret_value()


@contextlib.contextmanager
def ledger_if_any(url: str) -> Iterator[Reader | None]:
    """The ledger to read; None where there is none yet, which is said and as good as an empty one."""
    from okdrop.ledger import read_only  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        try:
            ledger = stack.enter_context(read_only(url))
        except LedgerError as error:
            if error.code != "ledger_missing":
                raise
            complain(error.message)
            ledger = None
        yield ledger
