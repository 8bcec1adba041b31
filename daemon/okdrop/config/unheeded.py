"""Keys that are checked but that nobody heeds in this version: who sets one has to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

if TYPE_CHECKING:
    from okdrop.config.model import Config

UNHEEDED: Final = (
    ("ok", "application_id"),
    ("ok", "refresh_token"),
    ("ok", "refresh_token_file"),
)


def unheeded(config: Config) -> list[str]:
    """The keys among them that are set to other than their default, as `section.key`."""
    return [f"{section}.{key}" for section, key in UNHEEDED if _is_set(config, section, key)]


def _is_set(config: Config, section: str, key: str) -> bool:
    table = getattr(config, section)
    value, default = getattr(table, key), type(table).model_fields[key].default
    if isinstance(value, SecretStr):
        value, default = value.get_secret_value(), ""
    return bool(value) and value != default  # what is switched off is off
