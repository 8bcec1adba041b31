"""The commands by which a person decides about uploads, like `retry`, `cancel`, `release` and `go`.

All of them work beside a running daemon, which heeds them within about a second.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from okdrop.cli.answer import complain
from okdrop.cli.support import ConfigFile, finish, ledger_url, loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from okdrop.orders import Said

USAGE = 2

FEW = 20
"""Files that are named one by one; of more, only those that are refused."""


def retry(
    numbers: Annotated[list[int] | None, typer.Argument(metavar="ID", help="Uploads, by id.")] = None,
    config: ConfigFile = None,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Every failed upload.")] = False,
) -> None:
    """Hand failed or cancelled uploads back.

    A running okdrop takes them up at once, else the next run does. Of a failed one, bytes that OK holds are
    not sent again; a cancelled one begins anew.
    """
    from okdrop import orders  # noqa: PLC0415

    if failed is bool(numbers):
        raise typer.BadParameter("name uploads by their ids, or all that failed by --failed")
    _obey(finish(orders.retry(ledger_url(config), numbers or ())))


def cancel(
    numbers: Annotated[list[int], typer.Argument(metavar="ID", help="Uploads, by id.")],
    config: ConfigFile = None,
) -> None:
    """Take unfinished or failed uploads out.

    A running okdrop stops sending them at once. What they left at OK is deleted later, by itself, and with it
    the bytes that were sent.
    """
    from okdrop import orders  # noqa: PLC0415

    _obey(finish(orders.cancel(ledger_url(config), numbers)))


def release(
    numbers: Annotated[list[int] | None, typer.Argument(metavar="ID", help="Uploads, by id.")] = None,
    config: ConfigFile = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All that friends alone see so far.")] = False,
) -> None:
    """Make public what friends saw first.

    A running okdrop tells OK at once, else the next run does.
    """
    from okdrop import orders  # noqa: PLC0415

    if every is bool(numbers):
        raise typer.BadParameter("name uploads by their ids, or all that friends see by --all")
    _obey(finish(orders.release(ledger_url(config), numbers or ())), nothing="nothing to release")


def update(
    numbers: Annotated[list[int], typer.Argument(metavar="ID", help="Uploads, by id.")],
    config: ConfigFile = None,
) -> None:
    """Tell OK the metadata of published videos as it comes to now.

    By the present templates, and what lies beside the file. A running okdrop does it at once, else the next
    run does; where nothing is different, OK is told nothing.
    """
    from okdrop import orders  # noqa: PLC0415

    _obey(finish(orders.update(ledger_url(config), numbers)))


def _obey(answers: Sequence[Said], *, nothing: str = "nothing to hand back") -> None:
    """Say what became of each order; one that could not be carried out is a usage error."""
    for said in answers:
        if said.done:
            print(said.text)
        else:
            complain(said.text)
    if not answers:
        print(nothing)
    raise typer.Exit(0 if all(said.done for said in answers) else USAGE)


def go(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FOLDER", readable=False, help="Watched folders; all if none is named."),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Release what is held.

    Uploads are held where a new folder had too many videos at once (`intake.surge`).
    """
    from okdrop import orders  # noqa: PLC0415

    settings = loaded(config, secrets=False)
    wanted = {str(folder.expanduser().absolute()) for folder in folders or ()}
    if strange := wanted - {str(watch.path) for watch in settings.watch}:
        raise typer.BadParameter(f"{strange.pop()!r} is no watched folder", param_hint="FOLDER")
    count = finish(orders.go(settings.ledger.url.get_secret_value(), wanted or None))
    print(f"released {count:,} uploads" if count else "nothing is held")


def adopt(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", readable=False, help="Files, or folders: all videos in them."),
    ],
    config: ConfigFile = None,
    *,
    fast: Annotated[
        bool, typer.Option("--fast", help="Do not read the files; one that is touched later is sent.")
    ] = False,
) -> None:
    """Record files as already published, sending nothing."""
    from okdrop import adoption  # noqa: PLC0415
    from okdrop.config.account import senders  # noqa: PLC0415
    from okdrop.inbox.named import place  # noqa: PLC0415

    settings = loaded(config, secrets=False)
    drops, said = adoption.files_of(settings, [place(os.fspath(path)) for path in paths])
    with _progress(len(drops)) as progress:
        url = settings.ledger.url.get_secret_value()
        said += finish(adoption.adopt(url, drops, accounts=senders(settings), fast=fast, progress=progress))
    for one in said:
        if one.outcome is adoption.Outcome.REFUSED:
            complain(one.text)
        elif len(said) <= FEW:
            print(one.text)
    counts = [f"{sum(one.outcome is kind for one in said):,} {kind.value}" for kind in adoption.Outcome]
    print(", ".join(counts))
    raise typer.Exit(USAGE if any(one.outcome is adoption.Outcome.REFUSED for one in said) else 0)


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[int], object]]:
    """A bar on a terminal, for what lasts; calls take how much more is done."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("files", total=total)
        yield lambda count: bar.advance(task, count)
