"""From a file and an environment to the tree."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from okdrop.config import credentials, environment
from okdrop.config.model import Config
from okdrop.config.problems import Origins, complaint, translate

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEFAULT_PATH: Final = Path("/etc/okdrop/okdrop.toml")


def load(
    path: Path | None,
    environ: Mapping[str, str],
    *,
    secrets: bool = True,
    secrets_of: Collection[str] = ("ok", "account", "web", "webhook", "notify"),
) -> Config:
    """Read the configuration, complete and checked; watched folders themselves are not looked at.

    Args:
        path: the file; None: the one `$OKDROP_CONFIG` names, else `/etc/okdrop/okdrop.toml` if there is one,
            else the environment alone.
        environ: the environment variables, which win over the file; those of the file that
            `$OKDROP_ENVIRONMENT_FILE` names win over them.
        secrets: read them; without, they stay empty, and what is wrong with them is not looked at.
        secrets_of: the sections whose secrets are read; whoever needs one need not be allowed to read others.

    Raises:
        ConfigurationError: one line that names where, the key, its value (unless secret) and what would do.
    """
    said = environment.complete(environ)
    file = chosen_file(path, said.variables)
    tree = {} if file is None else _parse(_read(file), file)
    origins = Origins("the configuration" if file is None else str(file))
    environment.overlay(tree, said, origins)
    wanted = secrets_of if secrets else ()
    credentials.fill_in(tree, environ, origins, of=wanted)
    credentials.leave_out(tree, but=wanted)
    try:
        context = {"home": environ.get("HOME", ""), "no_secrets": not secrets, "secrets_of": wanted}
        return Config.model_validate(tree, context=context)
    except ValidationError as error:
        # Without its cause: that one holds the values, the secret ones too.
        raise translate(error, tree, origins) from None


def file_read(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Which file `load` reads for the same arguments; None: the environment alone.

    Raises:
        ConfigurationError: the file that `$OKDROP_ENVIRONMENT_FILE` names cannot be read.
    """
    return chosen_file(path, environment.complete(environ).variables)


def chosen_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Which file `load` reads; None: no file, the environment alone."""
    if path is not None:
        return path
    named = environ.get(environment.CONFIG_VARIABLE)
    if named:
        return Path(named)
    return DEFAULT_PATH if _exists(DEFAULT_PATH) else None


def _exists(path: Path) -> bool:
    """Whether there is such a file; one that may not be looked at is, so that reading it says why not."""
    try:
        return path.exists()
    except OSError:
        return True


def _read(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        raise complaint([f"{file}: there is no such file; `okdrop init` writes one"]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no possible name"
        raise complaint([f"{file}: the configuration cannot be read: {reason}"]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise complaint([f"{file}: line {line}: not UTF-8; save the file in that encoding"]) from None


def _parse(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise complaint([f"{file}: not TOML: {error}"]) from None
    except RecursionError:
        raise complaint([f"{file}: not TOML: nested too deeply"]) from None
