"""The commands. Thin: each loads the configuration, calls one function, and says what came of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from okdrop import __version__, words
from okdrop.cli import answer
from okdrop.cli.ordering import adopt, cancel, go, release, retry, update
from okdrop.cli.reading import explain, show, status
from okdrop.cli.running import run, upload
from okdrop.cli.steering import bandwidth, log, pause, resume
from okdrop.cli.support import ConfigFile, expected, finish, in_words, loaded
from okdrop.cli.trying import notify_test, watch_test
from okdrop.cli.watching import top
from okdrop.errors import Halted, LedgerError, OkdropError

UNHEALTHY = 1
USAGE = 2
NOT_AUTHORISED = 3

app = typer.Typer(
    help="Watches folders and puts every video dropped there on OK.ru: once, whole, published.",
    epilog=(
        "Exit codes: 0 all well; 1 some upload failed; 2 usage or configuration; 3 not authorised; 130 cut by"
        " hand."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    rich_markup_mode=None,  # plain text: an error is one line that can be found again, in a log too
)


def main() -> None:
    """Run the command line; every expected error is one line on standard error."""
    answer.prepare()
    try:
        code = _carried_out()
    finally:
        answer.settle()
    sys.exit(code)


def _carried_out() -> int:
    """Run the command, and write all of its answer; gives the exit code."""
    code = 0
    try:
        try:
            app()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        sys.stdout.flush()  # here, where a refusal can still be told
    except OkdropError as error:
        return _complain(error)
    except ExceptionGroup as group:
        if (first := expected(group)) is None:
            raise
        return _complain(first)
    return code


def _complain(error: OkdropError) -> int:
    if isinstance(error, answer.ReaderGone):
        return answer.READER_GONE
    answer.complain(in_words(error))
    return NOT_AUTHORISED if isinstance(error, Halted) else USAGE


class _Command(typer.core.TyperCommand):
    """A command whose usage names its arguments as everybody does: `ID`, and `[ID]` for one that may miss."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]


_READING = (status, top, show, explain)
_DECIDING = (retry, cancel, release, update, go, adopt, bandwidth, log, pause, resume)
for _command in (run, upload, *_READING, *_DECIDING):
    app.command(cls=_Command)(_command)
app.command("watch-test", cls=_Command)(watch_test)
app.command("notify-test", cls=_Command)(notify_test)


@app.command()
def check(config: ConfigFile = None) -> None:
    """Say whether all that okdrop needs is there.

    A line for each: configuration, folders, ledger, the way to OK.ru, credentials, clock. Exit code 1: OK.ru
    or the clock; 2: a folder or the ledger; 3: the credentials. Of several, 2 goes before 3, and 3 before 1.
    Nothing is changed; a probe in each watched folder is gone at once.
    """
    from okdrop.check import check as check_all  # noqa: PLC0415
    from okdrop.config import file_read  # noqa: PLC0415

    settings = loaded(config)
    raise typer.Exit(finish(check_all(settings, print, file=file_read(config, os.environ))))


@app.command()
def init(
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", readable=False, help="The file to write.")
    ] = None,
    config: ConfigFile = None,
    *,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", readable=False, help="The first watched folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write a commented configuration.

    It is written to PATH, else to where okdrop reads it by itself, and what to do next is said.
    """
    from okdrop import init as beginning  # noqa: PLC0415
    from okdrop.config import DEFAULT_PATH, chosen_file  # noqa: PLC0415
    from okdrop.inbox.named import place  # noqa: PLC0415

    if path is not None and config is not None:
        raise typer.BadParameter("name the file once, as PATH or by --config")
    found = chosen_file(None, os.environ)
    target = Path(os.fsdecode(place(os.fspath(path or config or found or DEFAULT_PATH))))
    watched = place(os.fspath(folder)) if folder is not None else None
    beginning.write(target, folder=watched, force=force, mode=beginning.mode_for(os.geteuid()))
    for line in beginning.next_steps(target, found_by_itself=beginning.is_default(target, found)):
        print(line)


@app.command()
def health(config: ConfigFile = None) -> None:
    """Say whether a daemon is at work.

    A live process holds the ledger, and the ledger can be read: exit code 0, else 1. For health checks.
    """
    from okdrop.ledger import daemon_of, read_only  # noqa: PLC0415

    settings = loaded(config, secrets=False)
    url = settings.ledger.url.get_secret_value()
    try:
        process = daemon_of(url)
        with read_only(url) as ledger:
            halts = ledger.halts()
    except LedgerError as error:
        answer.complain(in_words(error))
        raise typer.Exit(UNHEALTHY) from None
    if process is None:
        answer.complain("no daemon that can be seen from here holds the ledger")
        raise typer.Exit(UNHEALTHY)
    waits = [words.halted(halt, several=bool(settings.account)) for halt in halts]
    print("; ".join([f"process {process} holds the ledger", *waits]))


@app.command()
def emulator(
    data: Annotated[
        Path,
        typer.Option(
            metavar="DIR", readable=False, help="Where its videos are kept; they survive a restart."
        ),
    ],
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT", min=0, max=65535, help="Where it listens on 127.0.0.1; 0: any free one."
        ),
    ] = 8470,
    mode: Annotated[
        str, typer.Option(metavar="MODE", help="How it takes segments: parallel or sequential.")
    ] = "parallel",
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME:KEY=VALUE,…", help="Weather; may be repeated.")
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="NUMBER", help="The seed of the chances among the faults.")
    ] = 0,
) -> None:
    """Play OK.ru on this machine, for trials.

    Without an account, over loopback alone, and with bad weather on demand: docs/emulator.md lists it.
    """
    from okdrop import emulator as stand_in  # noqa: PLC0415

    if mode not in set(stand_in.Mode):
        raise typer.BadParameter(f"{mode!r} is neither parallel nor sequential", param_hint="--mode")
    try:
        faults = tuple(map(stand_in.Fault.parse, fault or ()))
        options = stand_in.Options(
            data_dir=data, port=port, mode=stand_in.Mode(mode), seed=seed, faults=faults
        )
        finish(stand_in.serve(options))
    except (stand_in.UnknownFaultError, stand_in.EmulatorError) as error:
        raise OkdropError(str(error)) from None


@app.command()
def demo(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running afterwards, and say where.")
    ] = False,
) -> None:
    """Show the whole road on this machine alone.

    Sample videos are dropped into a folder, uploaded to the stand-in for OK.ru through bad weather, and
    published.
    """
    from okdrop import demo as show_all  # noqa: PLC0415

    raise typer.Exit(show_all.main(keep=keep))


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
