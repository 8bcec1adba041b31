"""A command on a terminal of its own: what a person would see."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import sys
import termios
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LINES, COLUMNS = 24, 100


class OnTerminal:
    """A process whose standard error, and output and input if asked, is a terminal."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process = process
        self._master = master
        self._seen = bytearray()
        asyncio.get_running_loop().add_reader(master, self._read)

    @property
    def seen(self) -> str:
        """Everything that was written to the terminal, control codes and all."""
        return self._seen.decode("utf-8", "replace")

    def press(self, keys: str) -> None:
        """Type at it."""
        os.write(self._master, keys.encode())

    @property
    def settings(self) -> list[Any]:
        """How the terminal takes what is typed."""
        return termios.tcgetattr(self._master)

    def _read(self) -> None:
        try:
            self._seen += os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the other end any more
            self.forget()

    def forget(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)

    async def end(self, *, within: float = 60.0) -> tuple[int, str]:
        """The exit code, and what it wrote to standard output if that is a pipe."""
        async with asyncio.timeout(within):
            out, _ = await self.process.communicate()
        with contextlib.suppress(OSError):
            while self._seen.extend(chunk := os.read(self._master, 65536)) or chunk:
                pass
        return self.process.returncode or 0, (out or b"").decode("utf-8", "surrogateescape")


@contextlib.asynccontextmanager
async def on_terminal(
    environment: dict[str, str],
    *arguments: str | bytes,
    out: bool = False,
    keys: bool = False,
    term: str = "xterm-256color",
) -> AsyncIterator[OnTerminal]:
    """`python -m okdrop …` with a terminal for standard error (and for output, with `out`; input, `keys`)."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "okdrop", *arguments),
        env=environment | {"TERM": term, "COLUMNS": str(COLUMNS), "LINES": str(LINES)},
        stdin=slave if keys else asyncio.subprocess.DEVNULL,
        stdout=slave if out else asyncio.subprocess.PIPE,
        stderr=slave,
    )
    os.close(slave)
    shown = OnTerminal(process, master)
    try:
        yield shown
    finally:
        shown.forget()
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(master)
