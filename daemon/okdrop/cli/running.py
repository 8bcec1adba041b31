"""The commands that upload: `run` and `upload`."""

from __future__ import annotations

import os
import sys
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from okdrop.cli.answer import complain, never_wait
from okdrop.cli.support import ConfigFile, expected, finish, loaded
from okdrop.memory import give_back_what_is_large

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from okdrop.config import Config
    from okdrop.events import Emit

CRASHED = 1
USAGE = 2
CUT = 130


def run(
    config: ConfigFile = None,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Take what lies in the folders now, then end.")
    ] = False,
) -> None:
    """Watch the folders and upload what is dropped there."""
    give_back_what_is_large()

    def work(settings: Config, log: Emit) -> Coroutine[Any, Any, int]:
        from okdrop import service  # noqa: PLC0415 - imports are most of a command's memory

        if once:
            return service.run_once(settings, log)
        return service.run(settings, log, reload=lambda: loaded(config), environ=os.environ)

    _carry_out(config, work, stays=not once)


def upload(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", readable=False, help="Videos to upload.")],
    config: ConfigFile = None,
    *,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Their title, instead of the file's name.")
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The account that publishes them, by its [account.NAME]."),
    ] = None,
    whatever: Annotated[bool, typer.Option("--any", help="Whatever their names end in.")] = False,
) -> None:
    """Upload and publish the named files.

    Progress goes to standard error: bars on a terminal, else a few plain lines. At the end there is a line
    for each file on standard output. A file that is published already is not sent again. Beside a running
    daemon, drop the file into one of its folders instead.
    """

    async def work(settings: Config, _log: Emit) -> int:
        from okdrop import named_files  # noqa: PLC0415
        from okdrop.config.account import unknown  # noqa: PLC0415
        from okdrop.inbox.named import place  # noqa: PLC0415
        from okdrop.metadata.text import visible  # noqa: PLC0415

        if title is not None and not visible(title):
            complain("--title: there is nothing in it that can be read; without it, the file's name counts")
            return USAGE
        if account is not None and account not in settings.accounts:
            complain(f"--account {account!a}: {unknown(account, settings.account)}")
            return USAGE
        paths = [place(os.fspath(file)) for file in files]
        if refused := named_files.refusals(paths, None if whatever else named_files.videos(settings)):
            for line in refused:
                complain(line)
            return USAGE
        draw = sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}
        return await named_files.upload(
            settings,
            paths,
            title=title or "",
            account=account,
            progress=sys.stderr,
            draw=draw,
            say=print,
        )

    _carry_out(config, work, interrupted=CUT)


def _carry_out(
    config_file: Path | None,
    work: Callable[[Config, Emit], Coroutine[Any, Any, int]],
    *,
    stays: bool = False,
    interrupted: int = 0,
) -> None:
    """Run it to its end, heeding signals from the first moment to the last."""
    from okdrop.stopping import Outside  # noqa: PLC0415 - as little as can be before signals are heeded

    outside = Outside(stays=stays, interrupted=interrupted)
    outside.heed()
    from okdrop.observe.crash import ended_by  # noqa: PLC0415 - from here on a signal ends it well
    from okdrop.observe.log import standard_log  # noqa: PLC0415

    never_wait()
    config = loaded(config_file)
    log = standard_log(log_format=config.log.format, level=config.log.level)

    async def whole() -> int:
        code = USAGE
        try:
            code = await work(config, log)
        except Exception as error:
            if expected(error) is not None:
                raise
            log(ended_by(error))
            code = CRASHED
        finally:
            outside.end(code)
        return code

    raise typer.Exit(finish(whole()))
