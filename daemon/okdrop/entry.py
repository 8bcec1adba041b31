"""The way in, for `okdrop` and `python -m okdrop`: signals are heeded first, everything else comes after.

What a command imports takes a good part of a second, in which SIGTERM, SIGINT and SIGHUP would do what they
do to any process. Nothing is begun yet, so that whoever is asked to end ends well; and SIGHUP, which is for
reading credentials again, does not end a daemon that is just starting. `okdrop.stopping` takes over.
Whoever started us may have had SIGCHLD ignored, and then nobody would hear how a child of ours ended.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

_CUT: Final = 130


def main() -> None:
    """Run the command line."""
    heed_signals(sys.argv[1:])
    from okdrop.cli import main as carry_out  # noqa: PLC0415 - not before signals are heeded

    carry_out()


def heed_signals(arguments: list[str]) -> None:
    """Heed signals as the command wants it that stands first: one that uploads, or that watches."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    command, *options = arguments or [""]
    if command not in {"run", "upload", "top"}:
        return
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(_CUT if command == "upload" else 0))
    if command == "run" and "--once" not in options:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
