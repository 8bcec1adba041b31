"""Keys that are checked but that nobody heeds in this version: who sets one has to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.config.model import Config

_NO_RENEWAL: Final = "no token is renewed"

UNHEEDED: Final[Mapping[tuple[str, str], str]] = {
    ("ok", "application_id"): _NO_RENEWAL,
    ("ok", "refresh_token"): _NO_RENEWAL,
    ("ok", "refresh_token_file"): _NO_RENEWAL,
}
"""Section and key, and what happens instead; docs/configuration.md has it drawn from here."""


def unheeded(config: Config) -> list[str]:
    """The keys among them that are set to other than their default, as `section.key`."""
    return [f"{section}.{key}" for section, key in UNHEEDED if _is_set(config, section, key)]


def _is_set(config: Config, section: str, key: str) -> bool:
    table = getattr(config, section)
    value, default = getattr(table, key), type(table).model_fields[key].default
    if isinstance(value, SecretStr):
        value, default = value.get_secret_value(), ""
    return bool(value) and value != default  # what is switched off is off
