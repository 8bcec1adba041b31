"""Who is told what became of uploads: commands that are run, and addresses that are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from okdrop.config.fields import (
    AbsolutePath,
    OptionalPath,
    PositiveSeconds,
    Token,
    is_loopback,
    split_url,
    whole,
)
from okdrop.config.section import MisfitError, Section
from okdrop.steps import Occasion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from okdrop.config.watch import Watch

SHORTEST_SECRET: Final = 16
"""Characters of a webhook's secret, at least: whoever guesses it may tell a receiver anything."""

_USUAL: Final = (Occasion.PUBLISHED, Occasion.FAILED, Occasion.REFUSED, Occasion.HALTED)


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
        raise ValueError('must be a short name of small letters, digits and "_", like "media_server"')
    return value


def _url(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    parts = split_url(value)
    if parts.username is not None or parts.fragment:
        raise ValueError("must be a URL without user or fragment; what proves who we are is the signature")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError("must begin with https://; plain http:// is for loopback hosts only")
    return secret


def _word(value: str) -> str:
    if not value or "\0" in value:
        raise ValueError("may be neither empty nor hold a zero byte")
    return value


Name: TypeAlias = Annotated[str, AfterValidator(_name)]
WebhookUrl: TypeAlias = Annotated[SecretStr, AfterValidator(_url)]
Word: TypeAlias = Annotated[str, AfterValidator(_word)]


class Listener(Section):
    """Whoever is told: of which events, and of which folders' uploads; of none named, all."""

    name: Name
    events: tuple[Occasion, ...] = Field(default=_USUAL, min_length=1)
    folders: tuple[AbsolutePath, ...] = ()


class Hook(Listener):
    """A command that is run, without a shell."""

    command: tuple[Word, ...] = Field(min_length=1)
    timeout: PositiveSeconds = 60.0

    @field_validator("command")
    @classmethod
    def _is_found(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value[0].startswith("/"):
            raise ValueError(
                'must begin with the absolute path of a program, like "/usr/local/bin/published"'
            )
        return value


class Webhook(Listener):
    """An address that is told, by a signed request."""

    url: WebhookUrl
    secret: Token = SecretStr("")
    secret_file: OptionalPath = None
    timeout: PositiveSeconds = 10.0
    give_up_after: PositiveSeconds = 86_400.0
    tries: Annotated[int, BeforeValidator(whole(1, 1000))] = 100

    @field_validator("secret")
    @classmethod
    def _signs(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if "webhook" not in (info.context or {}).get("secrets_of", ("webhook",)):
            return value  # nobody is going to be told, and whether there is one was not looked at
        if len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(
                f"set a secret of at least {SHORTEST_SECRET} characters; requests are signed with it"
            )
        return value


def check_listeners(section: str, listeners: Sequence[Listener], watches: Sequence[Watch]) -> None:
    """Look whether names are given once, and folders are watched.

    Raises:
        MisfitError: they are not.
    """
    names = [listener.name for listener in listeners]
    for index, listener in enumerate(listeners):
        if listener.name in names[:index]:
            first = names.index(listener.name)
            raise MisfitError(
                (section, index, "name"), f"is {section}[{first}].name already; give each its own"
            )
        for number, folder in enumerate(listener.folders):
            if all(folder != watch.path for watch in watches):
                raise MisfitError(
                    (section, index, "folders", number), "is no watched folder; write it as in its [[watch]]"
                )
