"""`okdrop init`: a commented configuration where okdrop will look for it, and what to do next."""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from okdrop.config import DEFAULT_PATH
from okdrop.config.template import shipped, with_folder
from okdrop.errors import ConfigurationError
from okdrop.events import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN: Final = 0o600
"""The mode of a person's own file: secrets may come into it."""

SHARED: Final = 0o640
"""The mode of the machine's file: its group may be the one that okdrop runs in."""


def write(path: Path, *, folder: bytes | None, force: bool, mode: int) -> None:
    """Write the configuration, whole or not at all; folders above it are made.

    Args:
        path: of the file.
        folder: the first watched folder, absolute; None: the one in the shipped text.
        force: replace what is there.
        mode: of the file, whatever the umask.

    Raises:
        ConfigurationError: there is one already, or it cannot be written.
    """
    text = shipped() if folder is None else with_folder(shipped(), folder)
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, mode)
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            if not force:
                path.touch(mode, exist_ok=False)  # takes the name, or refuses what has it
            Path(beside).replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(beside).unlink()


def next_steps(path: Path, *, found_by_itself: bool) -> list[str]:
    """What a person does next, a line for each step.

    Args:
        path: of the file that was written.
        found_by_itself: okdrop reads it without being told to.
    """
    name = shown(os.fsencode(path))
    option = "" if found_by_itself else f" --config {shlex.quote(name)}"
    return [
        f"wrote {name}; next:",
        "  1. set application_key in [ok]: it is on the application's page at OK.ru",
        "  2. put access_token and application_secret_key into files of their own, and name these in",
        "     access_token_file and application_secret_key_file; or set the variables",
        "     OKDROP_OK__ACCESS_TOKEN and OKDROP_OK__APPLICATION_SECRET_KEY",
        "  3. look at the path in [[watch]], and at the url in [ledger]",
        f"  4. okdrop check{option}",
    ]


def mode_for(user: int) -> int:
    """The file's mode, by who writes it (0 is root)."""
    return SHARED if user == 0 else OWN


def is_default(path: Path, found: Path | None) -> bool:
    """Whether okdrop reads this file by itself, `found` being the one it would read now."""
    return path == (found or DEFAULT_PATH)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    name = shown(os.fsencode(path))
    try:
        yield
    except IsADirectoryError:
        raise ConfigurationError(f"{name} is a folder", hint="name the file to write in it") from None
    except FileExistsError:
        raise ConfigurationError(
            f"{name} is there already", hint="name another place, or replace it with --force"
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{name} cannot be written: {error.strerror}",
            hint="name another place (okdrop init PATH), or become who may write there",
        ) from None
