"""The commented configuration that okdrop ships, with a first folder of a person's choice.

Its text is that of `config/okdrop.toml`; the copy in the package is made by `make diagrams`.
"""

from __future__ import annotations

import importlib.resources
import re
from typing import Final

from okdrop.errors import ConfigurationError

NAME: Final = "okdrop.toml"

_FOLDER_LINE: Final = re.compile(r'(?<=^path = )"[^"\n]*"$', re.MULTILINE)
_ESCAPES: Final = {"\\": r"\\", '"': r"\""}


def shipped() -> str:
    """The text as it is shipped."""
    return importlib.resources.files(__package__).joinpath(NAME).read_text("utf-8")


def with_folder(text: str, folder: bytes) -> str:
    """The text with another path for its first folder.

    Raises:
        ConfigurationError: the path is not UTF-8, which a TOML file has to be.
    """
    try:
        path = folder.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"the folder {folder.decode('utf-8', 'backslashreplace')!a} cannot be written into a TOML file",
            hint="give it a name in UTF-8",
        ) from None
    return _FOLDER_LINE.sub(lambda _match: quoted(path), text, count=1)


def quoted(text: str) -> str:
    """A text as a basic string of TOML: what is no plain character is escaped."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
