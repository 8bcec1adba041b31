"""The commands. Thin: each loads the configuration, calls one function, and says what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from okdrop import __version__
from okdrop.config import load
from okdrop.errors import Halted, LedgerError, OkdropError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from typing import Any

    from okdrop.config import Config
    from okdrop.drop import State, Upload
    from okdrop.events import Emit
    from okdrop.orders import Said

USAGE = 2
NOT_AUTHORISED = 3

FEW = 20
"""Files whose fate is told one by one."""

app = typer.Typer(
    help="Watches folders and puts every video dropped there on OK.ru: once, whole, published.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration file; else $OKDROP_CONFIG, else /etc/okdrop/okdrop.toml."),
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def main() -> None:
    """Run the command line; every expected error is one line on standard error."""
    try:
        app()
    except OkdropError as error:
        sys.exit(_complain(error))
    except BaseExceptionGroup as group:
        expected, rest = group.split(OkdropError)
        if expected is None or rest is not None:
            raise
        sys.exit(_complain(_first(expected)))


def _first(group: BaseExceptionGroup[OkdropError]) -> OkdropError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _complain(error: OkdropError) -> int:
    hint = f"; {error.hint}" if error.hint else ""
    print(f"okdrop: {error.message}{hint}", file=sys.stderr)
    return NOT_AUTHORISED if isinstance(error, Halted) else USAGE


def _run(
    config_file: Path | None, work: Callable[[Config, Emit], Coroutine[Any, Any, int]], *, quiet: bool = False
) -> None:
    from okdrop.observe.log import standard_log  # noqa: PLC0415 - commands that only read need no log

    config = load(config_file, os.environ)
    level = "warning" if quiet and config.log.level == "info" else config.log.level
    code = asyncio.run(work(config, standard_log(log_format=config.log.format, level=level)))
    raise typer.Exit(code)


@app.command()
def run(
    config: ConfigFile = None,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Take what lies in the folders now, then end.")
    ] = False,
) -> None:
    """Watch the folders and upload what is dropped there."""
    from okdrop import service  # noqa: PLC0415 - imports are most of a command's memory

    _run(config, service.run_once if once else service.run)


@app.command()
def upload(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Videos to upload.")],
    config: ConfigFile = None,
    *,
    title: Annotated[str, typer.Option(help="Their title, instead of the file's name.")] = "",
) -> None:
    """Upload and publish the named files."""
    from okdrop import service  # noqa: PLC0415

    paths = [os.fsencode(file.absolute()) for file in files]
    for file in files:
        if not file.is_file() or file.is_symlink():
            raise typer.BadParameter(f"{os.fsdecode(file)!r} is no regular file", param_hint="FILE")
    _run(config, lambda loaded, emit: service.upload(loaded, emit, paths, title=title))


@app.command()
def status(config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Show every upload and where it stands; needs no running daemon."""
    from okdrop import report  # noqa: PLC0415
    from okdrop.ledger import read_only  # noqa: PLC0415

    counts: dict[State, int] = {}
    rows: list[Upload] = []
    try:
        with read_only(_ledger_url(config)) as ledger:
            counts, rows = ledger.counts(), ledger.uploads()
    except LedgerError as error:
        if error.code != "ledger_missing":
            raise
        print(f"okdrop: {error.message}", file=sys.stderr)  # as good as an empty one
    if as_json:
        print(json.dumps(report.status_as_json(counts, rows)))
    else:
        _print(report.status_as_text(counts, rows))


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ID")],
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show one upload and its history."""
    from okdrop import report  # noqa: PLC0415
    from okdrop.ledger import read_only  # noqa: PLC0415

    with read_only(_ledger_url(config)) as ledger:
        row, history = ledger.get(number), ledger.history(number)
    if row is None:
        raise LedgerError(f"there is no upload {number}", hint="okdrop status lists them")
    document = report.upload_as_json(row) | {"history": report.history_as_json(history)}
    if as_json:
        print(json.dumps(document))
        return
    _print(report.status_as_text({row.state: 1}, [row]))
    for entry in document["history"]:
        print(f"{entry['at']}  {entry['from'] or 'new'} → {entry['to']}  {entry['note']}")


@app.command()
def retry(
    numbers: Annotated[list[int] | None, typer.Argument(metavar="ID…", help="Uploads, by id.")] = None,
    config: ConfigFile = None,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Every failed upload.")] = False,
) -> None:
    """Hand failed or cancelled uploads back; the daemon may be running."""
    from okdrop import orders  # noqa: PLC0415

    if failed is bool(numbers):
        raise typer.BadParameter("name uploads by their ids, or all that failed by --failed")
    _obey(asyncio.run(orders.retry(_ledger_url(config), numbers or ())))


@app.command()
def cancel(
    numbers: Annotated[list[int], typer.Argument(metavar="ID…", help="Uploads, by id.")],
    config: ConfigFile = None,
) -> None:
    """Take unfinished or failed uploads out; the daemon may be running."""
    from okdrop import orders  # noqa: PLC0415

    _obey(asyncio.run(orders.cancel(_ledger_url(config), numbers)))


@app.command()
def go(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="[FOLDER…]", help="Watched folders; all if none is named.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Release uploads that are held since a new folder had too many at once; the daemon may be running."""
    from okdrop import orders  # noqa: PLC0415

    loaded = load(config, os.environ)
    wanted = {str(folder.expanduser().absolute()) for folder in folders or ()}
    if strange := wanted - {str(watch.path) for watch in loaded.watch}:
        raise typer.BadParameter(f"{strange.pop()!r} is no watched folder", param_hint="FOLDER")
    count = asyncio.run(orders.go(loaded.ledger.url.get_secret_value(), wanted or None))
    print(f"released {count:,} uploads" if count else "nothing is held")


@app.command()
def adopt(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Files, or folders: all videos in them.")
    ],
    config: ConfigFile = None,
    *,
    fast: Annotated[
        bool, typer.Option("--fast", help="Do not read the files; one that is touched later is sent.")
    ] = False,
) -> None:
    """Record files as already published, sending nothing; the daemon may be running."""
    from okdrop import adoption  # noqa: PLC0415

    loaded = load(config, os.environ)
    drops, said = adoption.files_of(loaded, [os.fsencode(os.path.abspath(path)) for path in paths])  # noqa: PTH100 - takes ".." out, follows no link
    with _progress(len(drops)) as progress:
        url = loaded.ledger.url.get_secret_value()
        said += asyncio.run(adoption.adopt(url, drops, fast=fast, progress=progress))
    for one in said:
        if one.outcome is adoption.Outcome.REFUSED:
            print(f"okdrop: {one.text}", file=sys.stderr)
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


def _ledger_url(config_file: Path | None) -> str:
    return load(config_file, os.environ).ledger.url.get_secret_value()


def _obey(answers: Sequence[Said]) -> None:
    """Say what became of each order; one that could not be carried out is a usage error."""
    for said in answers:
        if said.done:
            print(said.text)
        else:
            print(f"okdrop: {said.text}", file=sys.stderr)
    if not answers:
        print("nothing to hand back")
    raise typer.Exit(0 if all(said.done for said in answers) else USAGE)


@app.command()
def check(config: ConfigFile = None) -> None:
    """Say whether everything okdrop needs is there: one line for each."""
    from okdrop.check import check as check_all  # noqa: PLC0415

    loaded = load(config, os.environ)
    raise typer.Exit(asyncio.run(check_all(loaded, print)))


@app.command()
def emulator(
    data: Annotated[Path, typer.Option(help="Where its videos are kept; they survive a restart.")],
    port: Annotated[int, typer.Option(help="0: any free one.")] = 8470,
    mode: Annotated[str, typer.Option(help="parallel or sequential segments")] = "parallel",
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME:KEY=VALUE,…", help="Weather; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="For the chances among the faults.")] = 0,
) -> None:
    """Play OK.ru on this machine, to try okdrop without an account."""
    from okdrop import emulator as stand_in  # noqa: PLC0415

    if mode not in set(stand_in.Mode):
        raise typer.BadParameter(f"{mode!r} is neither parallel nor sequential", param_hint="--mode")
    try:
        faults = tuple(map(stand_in.Fault.parse, fault or ()))
        options = stand_in.Options(
            data_dir=data, port=port, mode=stand_in.Mode(mode), seed=seed, faults=faults
        )
        asyncio.run(stand_in.serve(options))
    except (stand_in.UnknownFaultError, stand_in.EmulatorError) as error:
        raise OkdropError(str(error)) from None


@app.command()
def demo() -> None:
    """Show the whole road on this machine alone: sample videos, the stand-in for OK.ru, published."""
    from okdrop import demo as show_all  # noqa: PLC0415

    raise typer.Exit(show_all.main())


def _version(*, wanted: bool) -> None:
    if wanted:
        print(f"okdrop {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keep the options that stand before a command."""


def _print(table: object) -> None:
    from rich.console import Console  # noqa: PLC0415

    Console().print(table)
