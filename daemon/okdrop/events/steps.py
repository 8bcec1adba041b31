"""Who was told of what happened, and what came of it."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from okdrop.events.base import Event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent(Event):
    """Something about a step that follows from another event (`okdrop.steps`)."""

    upload: int  #: 0: it is about no single one
    lane: str  #: the hook, webhook or receiver by its name, or "files"
    occasion: str  #: what it is told of, or what is done


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StepDone(StepEvent):
    """A hook ran well, a webhook was taken, or a message sent."""

    name: ClassVar = "step.done"
    said: str
    tries: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed(StepEvent):
    """A hook failed; it is not run again. `okdrop show` has the last lines that it wrote."""

    name: ClassVar = "step.failed"
    level: ClassVar = "warning"
    said: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StepTrouble(StepEvent):
    """A step cannot be taken now; it is tried again."""

    name: ClassVar = "step.trouble"
    level: ClassVar = "warning"
    said: str
    delay: float  #: seconds until then
    tries: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StepGivenUp(StepEvent):
    """A step was tried too often or for too long, and is not tried any more."""

    name: ClassVar = "step.given_up"
    level: ClassVar = "error"
    said: str
    tries: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StepsDropped(Event):
    """Steps of a hook, a webhook or a receiver that is not configured any more were dropped."""

    name: ClassVar = "steps.dropped"
    level: ClassVar = "warning"
    lane: str
    count: int
