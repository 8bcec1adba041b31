"""The daemon's own HTTP."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from okdrop.events.base import Event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WebListening(Event):
    """HTTP is answered there."""

    name: ClassVar = "web.listening"
    address: str  #: as a URL begins


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WebRefused(Event):
    """Somebody showed a wrong token; told once for each address that goes on trying."""

    name: ClassVar = "web.refused"
    level: ClassVar = "warning"
    address: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WebTrouble(Event):
    """A request could not be answered, by a bug: please report it. Uploads go on."""

    name: ClassVar = "web.trouble"
    level: ClassVar = "error"
    route: str
    message: str
