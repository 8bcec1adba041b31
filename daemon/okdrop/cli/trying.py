"""The commands that try something out: `watch-test`, `notify-test`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from okdrop.cli.answer import complain
from okdrop.cli.support import AsJson, ConfigFile, loaded

CUT = 130


def watch_test(
    path: Annotated[Path, typer.Argument(metavar="PATH", readable=False, help="The folder.")],
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Try what okdrop notices in a folder.

    A probe is created there, grown, renamed and removed: what was seen of each, how fast, and how the folder
    would be watched. Exit code 0: all of it was seen, by the kernel's events or by looking; else 1.
    """
    from okdrop import watch_trial  # noqa: PLC0415
    from okdrop.config import Watch  # noqa: PLC0415
    from okdrop.inbox.named import place  # noqa: PLC0415

    folder = place(os.fspath(path))
    watches = loaded(config, secrets=False).watch
    own = [watch for watch in watches if Path(os.fsdecode(folder)).is_relative_to(watch.path)]
    [watch] = own or [Watch(path=Path(os.fsdecode(folder)))]
    try:
        outcome = watch_trial.try_out(folder, watching=watch.watching, poll=watch.poll)
    except watch_trial.CutShort as cut:
        complain(cut.message)
        raise typer.Exit(CUT) from None
    print(json.dumps(outcome.as_json()) if as_json else outcome.as_text())
    if outcome.missed:
        complain(f"not seen: {', '.join(outcome.missed)}; a file that is dropped there may not be found")
        raise typer.Exit(1)


def notify_test(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Whom, by the name in the configuration.")
    ] = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Send a message to each receiver, and say what came of it.

    To every [[notify]] of the configuration, or to those that are named, at once and whatever the hour. Exit
    code 0: all were sent; 1: some were not; 2: there is none of that name, or none can be.
    """
    from okdrop import notify_trial  # noqa: PLC0415

    try:
        outcome = notify_trial.try_out(loaded(config), names or (), os.environ)
    except KeyboardInterrupt:
        complain("cut short")
        raise typer.Exit(CUT) from None
    print(json.dumps(outcome.as_json()) if as_json else outcome.as_text())
    if not outcome.is_well:
        raise typer.Exit(1)
