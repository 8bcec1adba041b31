"""The commands by which a person steers a daemon while it runs: `bandwidth`, `log`, `pause` and `resume`.

What they say stands in the ledger, above the configuration, until it is taken back; a restart changes nothing
about it. A running daemon heeds them within about a second.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from okdrop.cli.support import AsJson, ConfigFile, finish, ledger_if_any, ledger_url, loaded

if TYPE_CHECKING:
    from okdrop.config import Config, LogLevel
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
        standing = ledger.overrides(datetime.now(UTC)) if ledger is not None else []
    limits = limits_as_json(settings.limits, standing, datetime.now(UTC))
    shown = [one for one in limits if folder is None or one["folder"] == folder]
    if as_json:
        print(json.dumps({"limits": shown}))
        return
    for line in report.limits_as_lines(shown):
        print(line)


def log(
    level: Annotated[
        str | None,
        typer.Argument(
            metavar="LEVEL", help='debug, info, warning or error; or "reset" for what is configured.'
        ),
    ] = None,
    config: ConfigFile = None,
    *,
    lasts: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help='It ends by itself after so long ("30m", "2h").'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have a daemon write more of its log, or less.

    Lines of this level and above, from now on. Without LEVEL: show what holds now. It holds at once, stands
    above the configuration, and outlives a restart, until its time is over or "reset" takes it back.
    """
    from okdrop import orders  # noqa: PLC0415

    wanted = _level(level)
    if wanted is None and lasts is not None:
        raise typer.BadParameter("goes with a level", param_hint="--for")
    settings = loaded(config, secrets=False)
    if level is not None:
        until = None if lasts is None else datetime.now(UTC) + _duration(lasts)
        finish(orders.log(settings.ledger.url.get_secret_value(), wanted, until=until))
    _show_log(settings, as_json=as_json)


def _level(text: str | None) -> LogLevel | None:
    from okdrop.config import LogLevel  # noqa: PLC0415

    if text in {None, RESET}:
        return None
    try:
        return LogLevel(str(text))
    except ValueError:
        words = f"{text!r} is none of {', '.join(LogLevel)}, and not {RESET}"
        raise typer.BadParameter(words, param_hint="LEVEL") from None


def _duration(text: str) -> timedelta:
    from okdrop.config.units import parse_duration  # noqa: PLC0415

    try:
        return timedelta(seconds=parse_duration(text))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: {error}", param_hint="--for") from None


def _show_log(settings: Config, *, as_json: bool) -> None:
    from okdrop import report  # noqa: PLC0415
    from okdrop.documents import log_as_json  # noqa: PLC0415

    with ledger_if_any(settings.ledger.url.get_secret_value()) as ledger:
        standing = ledger.overrides(datetime.now(UTC)) if ledger is not None else []
    holds = log_as_json(settings.log.level, standing)
    print(json.dumps(holds) if as_json else report.log_as_line(holds))


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
