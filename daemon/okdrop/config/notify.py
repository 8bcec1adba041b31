"""Who gets messages of what becomes of uploads, by Apprise: where, of what, how often, and when not."""

from __future__ import annotations

import enum
import re
import urllib.parse
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from okdrop.config.fields import OptionalPath, PositiveSeconds, Seconds, whole
from okdrop.config.notices import Listener
from okdrop.config.units import parse_duration
from okdrop.config.window import ALWAYS, PublishWindow
from okdrop.steps import Occasion

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_SPAN: Final = 86_400.0
"""Seconds over which messages are counted, at most."""

LONGEST_TIMEOUT: Final = 300.0
"""Seconds that one message may take, at most."""

_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]{0,31}://[!-~]+", re.IGNORECASE)
_YES: Final = frozenset({"yes", "true", "1", "on"})


class Level(enum.StrEnum):
    """How grave a thing has to be to be told."""

    INFO = "info"  #: everything
    WARNING = "warning"  #: what sooner or later needs a hand
    ERROR = "error"  #: what holds everything up


class Language(enum.StrEnum):
    """In which messages are written."""

    ENGLISH = "en"
    RUSSIAN = "ru"


_GRAVITY: Final = tuple(Level)

LEVELS: Final = {
    Occasion.PUBLISHED: Level.INFO,
    Occasion.CONFIRMED: Level.INFO,
    Occasion.MOVED: Level.INFO,
    Occasion.FAILED: Level.WARNING,
    Occasion.REFUSED: Level.WARNING,
    Occasion.DISK_LOW: Level.WARNING,
    Occasion.HALTED: Level.ERROR,
    Occasion.FOLDER_MISSING: Level.ERROR,
    Occasion.RECOVERED: Level.ERROR,  # as grave as what it ends, which whoever is told of it was told of
}
"""How grave each thing is."""

_USUAL: Final = (
    Occasion.PUBLISHED,
    Occasion.FAILED,
    Occasion.REFUSED,
    Occasion.HALTED,
    Occasion.FOLDER_MISSING,
    Occasion.DISK_LOW,
    Occasion.RECOVERED,
)


def _as_grave_as(level: Level, events: Sequence[Occasion]) -> frozenset[Occasion]:
    least = _GRAVITY.index(level)
    return frozenset(one for one in events if _GRAVITY.index(LEVELS[one]) >= least)


def _address(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value:
        return secret
    if not _ADDRESS.fullmatch(value):
        raise ValueError("must be one address as Apprise writes it, without blanks, like tgram://TOKEN/CHAT")
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(value).query, keep_blank_values=True)
    if any(word.strip().lower() not in _YES for word in asked.get("verify", ())):
        raise ValueError("would not have TLS verified; take verify= out, and see network.ca_file")
    return secret


def _quiet(value: object) -> PublishWindow:
    hours = PublishWindow.parse(value)
    if hours.spans and not hours.outside().spans:
        raise ValueError("leaves no hour in which anything is told")
    return hours


def _span(value: object) -> float:
    seconds = parse_duration(value)
    if not 0 < seconds <= LONGEST_SPAN:
        raise ValueError("must be longer than 0, and not longer than a day")
    return seconds


def _timeout(value: object) -> float:
    seconds = parse_duration(value)
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise ValueError("must be longer than 0, and not longer than five minutes")
    return seconds


MessageUrl: TypeAlias = Annotated[SecretStr, AfterValidator(_address)]
QuietHours: TypeAlias = Annotated[PublishWindow, BeforeValidator(_quiet), PlainSerializer(str)]


class Notify(Listener):
    """A person who gets messages."""

    url: MessageUrl = SecretStr("")
    url_file: OptionalPath = None
    events: tuple[Occasion, ...] = Field(default=_USUAL, min_length=1)
    level: Level = Level.INFO
    language: Language = Language.ENGLISH
    digest: Seconds = 0.0
    at_most: Annotated[int, BeforeValidator(whole(1, 1000))] = 10
    per: Annotated[float, BeforeValidator(_span)] = 600.0
    quiet: QuietHours = ALWAYS
    urgent: tuple[Occasion, ...] = ()
    timeout: Annotated[float, BeforeValidator(_timeout)] = 30.0
    give_up_after: PositiveSeconds = 86_400.0
    tries: Annotated[int, BeforeValidator(whole(1, 1000))] = 100

    @field_validator("url")
    @classmethod
    def _is_given(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if "notify" not in (info.context or {}).get("secrets_of", ("notify",)):
            return value  # nobody is going to be told, and whether there is one was not looked at
        if not value.get_secret_value():
            raise ValueError(
                "set the address that messages go to, as Apprise writes it, like tgram://TOKEN/CHAT;"
                " or url_file, a file that holds it"
            )
        return value

    @field_validator("level")
    @classmethod
    def _leaves_something(cls, value: Level, info: ValidationInfo) -> Level:
        events = info.data.get("events", ())
        if events and not _as_grave_as(value, events):
            raise ValueError(f"leaves nothing of events: {', '.join(events)} are less grave")
        return value

    @property
    def occasions(self) -> frozenset[Occasion]:
        """What is told: of `events`, what is as grave as `level`."""
        return _as_grave_as(self.level, self.events)

    @property
    def longest_wait(self) -> float:
        """Seconds for which a thing may have to wait for its hour, at most, before it is first told."""
        quiet = max((stop - start for start, stop in self.quiet.spans), default=0) * 60.0
        return self.digest + self.per + 2 * quiet  # over Sunday's midnight a span is in two parts
