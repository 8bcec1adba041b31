"""The commands by which a person steers a daemon while it runs: `bandwidth`, `pause` and `resume`.

What they say stands in the ledger, above the configuration, until it is taken back; a restart changes nothing
about it. A running daemon heeds them within about a second.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from okdrop.cli.support import AsJson, ConfigFile, finish, ledger_if_any, ledger_url, loaded

if TYPE_CHECKING:
    from okdrop.config import Config
    from okdrop.config.bandwidth import Bandwidth

RESET = "reset"


def bandwidth(
    limit: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LIMIT",
            help='A rate ("2MiB/s"), a timetable, "off" for no limit, or "reset" for what is configured.',
        ),
    ] = None,
    config: ConfigFile = None,
    *,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", readable=False, help="Of this watched folder; else of all uploads together."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Limit what is sent, from now on.

    Without LIMIT: show what holds now. It holds at once, stands above the configuration, and outlives a
    restart; "reset" takes it back.
    """
    from okdrop import orders  # noqa: PLC0415

    settings = loaded(config, secrets=False)
    name = _watched(settings, folder)
    if not limit:
        _show(settings, name, as_json=as_json)
        return
    wanted = None if limit == [RESET] else _parsed(" ".join(limit))
    finish(orders.limit(settings.ledger.url.get_secret_value(), wanted, folder=name or ""))
    _show(settings, name or "", as_json=as_json)


def _watched(settings: Config, folder: Path | None) -> str | None:
    """The watched folder that is meant, as it is configured; None where none is named."""
    if folder is None:
        return None
    name = str(folder.expanduser().absolute())
    if name not in {str(watch.path) for watch in settings.watch}:
        raise typer.BadParameter(f"{name!r} is no watched folder", param_hint="--folder")
    return name


def _parsed(text: str) -> Bandwidth:
    from okdrop.config.bandwidth import Bandwidth  # noqa: PLC0415

    try:
        return Bandwidth.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: {error}", param_hint="LIMIT") from None


def _show(settings: Config, folder: str | None, *, as_json: bool) -> None:
    """Tell what holds now, of one folder or of all."""
    from okdrop import report  # noqa: PLC0415
    from okdrop.documents import limits_as_json  # noqa: PLC0415

    with ledger_if_any(settings.ledger.url.get_secret_value()) as ledger:
        standing = ledger.overrides() if ledger is not None else []
    limits = limits_as_json(settings.limits, standing, datetime.now(UTC))
    shown = [one for one in limits if folder is None or one["folder"] == folder]
    if as_json:
        print(json.dumps({"limits": shown}))
        return
    for line in report.limits_as_lines(shown):
        print(line)


def pause(config: ConfigFile = None) -> None:
    """Have a daemon begin nothing new.

    Segments under way land; files are still found and noted. It outlives a restart; okdrop resume ends it.
    A `run --once` and an `upload` are orders of their own, and go on.
    """
    from okdrop import orders  # noqa: PLC0415

    finish(orders.pause(ledger_url(config)))
    print("paused; okdrop resume has it go on")


def resume(config: ConfigFile = None) -> None:
    """Have a paused daemon go on, from what OK holds."""
    from okdrop import orders  # noqa: PLC0415

    was_paused = finish(orders.resume(ledger_url(config)))
    print("resumed" if was_paused else "nothing was paused")
