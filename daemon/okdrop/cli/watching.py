"""The command that looks at a running daemon, live: `top`."""

from __future__ import annotations

import os
import sys
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import Annotated

import typer

from okdrop.cli.support import ConfigFile, finish


def top(
    config: ConfigFile = None,
    *,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The daemon's address; else web.listen of the configuration."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            metavar="FILE",
            help="What holds its token; else, without --url, the configured one.",
        ),
    ] = None,
) -> None:
    """Watch a running daemon, live.

    It is asked over its own HTTP, on this machine or another. Keys: q leaves, p pauses or goes on, up and
    down select an upload, r retries it, c cancels it, b limits what is sent, ? helps. Where input or output
    is no terminal, it is shown once, in plain lines.
    """
    from okdrop.config import load  # noqa: PLC0415
    from okdrop.top.live import snapshot, watch  # noqa: PLC0415 - with it come aiohttp and a drawing library
    from okdrop.top.where import configured, named  # noqa: PLC0415

    if url is not None:
        where = named(url, token_file)
    else:
        # Of all secrets the token alone: whoever watches need not be allowed to read the others.
        settings = load(config, os.environ, secrets=token_file is None, secrets_of=("web",))
        where = configured(settings.web, token_file)
    if sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty() and _can_draw():
        finish(watch(where, sys.stdout, sys.stdin.fileno()))
    else:
        finish(snapshot(where, print))


def _can_draw() -> bool:
    return os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}
