"""Keys that are checked but that nobody heeds in this version: who sets one has to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from okdrop.config.model import Config
    from okdrop.config.section import Section

_NO_RENEWAL: Final = "no token is renewed"

UNHEEDED: Final[Mapping[tuple[str, str], str]] = {
    ("ok", "application_id"): _NO_RENEWAL,
    ("ok", "refresh_token"): _NO_RENEWAL,
    ("ok", "refresh_token_file"): _NO_RENEWAL,
}
"""Section and key, and what happens instead; docs/configuration.md has it drawn from here."""

_OF_ACCOUNTS: Final = ("refresh_token", "refresh_token_file")
"""Those that an account has too."""


def unheeded(config: Config) -> list[str]:
    """The keys among them that are set to other than their default, as `section.key`."""
    tables: dict[str, Section] = {section: getattr(config, section) for section, _ in UNHEEDED}
    tables |= {f"account.{name}": account for name, account in config.account.items()}
    keys = [*UNHEEDED, *((f"account.{name}", key) for name in config.account for key in _OF_ACCOUNTS)]
    return [f"{section}.{key}" for section, key in keys if _is_set(tables[section], key)]


def _is_set(table: Section, key: str) -> bool:
    value, default = getattr(table, key), type(table).model_fields[key].default
    if isinstance(value, SecretStr):
        value, default = value.get_secret_value(), ""
    return bool(value) and value != default  # what is switched off is off
