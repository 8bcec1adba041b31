"""Where secrets come from: of `[ok]` and each account, `[web]`, each `[[webhook]]` and `[[notify]]`.

In this order: the environment, the file that a `*_file` key names, the service manager's credentials folder
(`$CREDENTIALS_DIRECTORY/access_token`, systemd.exec(5); `access_token.NAME` is that of an account), the key
itself in the configuration file.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from okdrop.config.account import is_name
from okdrop.config.fields import absolute_path
from okdrop.config.keys import dotted
from okdrop.config.model import SECRET_FILES, SECRET_OF, SECRETS
from okdrop.config.problems import complaint

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from okdrop.config.problems import Origins

_FOLDER_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
_LARGEST_SECRET: Final = 64 * 1024


def fill_in(
    tree: dict[str, Any], environ: Mapping[str, str], origins: Origins, *, of: Collection[str]
) -> None:
    """Write the secrets of these sections into the tree, and into `origins` where each came from.

    Raises:
        ConfigurationError: a file that is named, or lies in the credentials folder, holds no secret.
    """
    lines: list[str] = []
    for above, name, file_name in _secrets(tree):
        table = _table(tree, above)
        if above[0] not in of:
            continue
        if (*above, name) in origins.special or not isinstance(table, dict):  # the model will complain
            continue
        try:
            path = _source(name, file_name, table, environ)
            if path is not None:
                table[name] = secret_in(path)
                origins.special[*above, name] = str(path)
        except ValueError as error:
            lines.append(f"{origins.of((*above, f'{name}_file'))}: {dotted((*above, name))}: {error}")
    for section in SECRET_OF.keys() & of:
        lines += _fill_in_tables(section, tree, environ, origins)
    if lines:
        raise complaint(lines)


def _fill_in_tables(
    section: str, tree: dict[str, Any], environ: Mapping[str, str], origins: Origins
) -> list[str]:
    """The secret of each table, `SECTION_NAME` in the credentials folder; returns what is wrong."""
    lines: list[str] = []
    tables, key = tree.get(section, []), SECRET_OF[section]
    for index, table in enumerate(tables if isinstance(tables, list) else []):
        place = section, index, key
        if not isinstance(table, dict) or place in origins.special:  # the model will complain
            continue
        try:
            name = str(table.get("name", "")).replace("/", "_")
            path = _source(key, f"{section}_{name}", table, environ)
            if path is not None:
                table[key] = secret_in(path)
                origins.special[place] = str(path)
        except ValueError as error:
            lines.append(f"{origins.of((section, index, f'{key}_file'))}: {dotted(place)}: {error}")
    return lines


def leave_out(tree: dict[str, Any], *, but: Collection[str] = ()) -> None:
    """Take the secrets of all sections but these out of the tree; the keys that name their files stay."""
    for above, name, _ in _secrets(tree):
        table = _table(tree, above)
        if above[0] not in but and isinstance(table, dict):  # else the model will complain
            table.pop(name, None)
    for section, key in SECRET_OF.items():
        tables = tree.get(section, [])
        if section not in but and isinstance(tables, list):
            for table in tables:
                if isinstance(table, dict):
                    table.pop(key, None)


def _secrets(tree: dict[str, Any]) -> list[tuple[tuple[str, ...], str, str]]:
    """Every secret that there may be: its table, its name, what it is called in the credentials folder."""
    accounts = tree.get("account")
    found: list[tuple[tuple[str, ...], str, str]] = []
    found += [((section,), name, file_name) for (section, name), file_name in SECRET_FILES.items()]
    found += [
        (("account", account), name, f"{name}.{account}")
        for account in (accounts if isinstance(accounts, dict) else ())
        if is_name(account)  # else the model will complain, and it may be no name for a file
        for name in SECRETS
    ]
    return found


def _table(tree: dict[str, Any], path: tuple[str, ...]) -> Any:
    """The table at a place; one that is not there yet is made."""
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    return tree.setdefault(path[-1], {})


def _source(name: str, file_name: str, table: dict[str, Any], environ: Mapping[str, str]) -> Path | None:
    """The file that holds the secret, if one does."""
    named = table.get(f"{name}_file")
    if named:
        try:
            return absolute_path(named, environ.get("HOME", ""))
        except ValueError as error:
            raise ValueError(f"the key {name}_file {error}") from None
    folder = environ.get(_FOLDER_VARIABLE, "")
    if folder and not folder.startswith("/"):
        raise ValueError(f"the folder in {_FOLDER_VARIABLE} must be an absolute path")
    path = Path(folder) / file_name
    return path if folder and _is_there(path) else None


def _is_there(path: Path) -> bool:
    """Whether there is such a file; one that may not be looked at is, so that reading it says why not."""
    try:
        return path.exists()
    except OSError:
        return True


def _raw(path: Path) -> bytes:
    """What a file holds, or as much as is too much; what is no file must not keep anybody waiting."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise ValueError(f"the secret's file {path} is no regular file, but a pipe, a device or the like")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_LARGEST_SECRET + 1)
    finally:
        os.close(descriptor)


def secret_in(path: Path) -> str:
    """The secret that a file holds, without the end of its line.

    Raises:
        ValueError: it holds none, in words.
    """
    try:
        raw = _raw(path)
        secret = raw.decode("ascii").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"the secret's file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"the secret's file {path} holds other than ASCII text") from None
    if not secret:
        raise ValueError(f"the secret's file {path} is empty")
    if len(raw) > _LARGEST_SECRET:
        raise ValueError(f"the secret's file {path} is too large for a secret")
    return secret
