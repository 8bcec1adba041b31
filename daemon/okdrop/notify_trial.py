"""`okdrop notify-test`: sends a message to each receiver, and tells what came of it."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

from okdrop.errors import ConfigurationError
from okdrop.pipeline import messengers
from okdrop.pipeline.letters import trial
from okdrop.pipeline.listeners import notices
from okdrop.steps import Kind, lane_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from okdrop.config import Config
    from okdrop.pipeline.messengers import Delivered


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it, for each receiver by its name."""

    deliveries: Mapping[str, Delivered]

    @property
    def is_well(self) -> bool:
        """Whether all were sent."""
        return all(one.well for one in self.deliveries.values())

    def as_text(self) -> str:
        """A line for each."""
        return "\n".join(
            f"{'ok  ' if one.well else 'FAIL'}  {name}: {one.said}" for name, one in self.deliveries.items()
        )

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "all_sent": self.is_well,
            "receivers": [
                {"name": name, "sent": one.well, "said": one.said} for name, one in self.deliveries.items()
            ],
        }


def try_out(config: Config, names: Sequence[str], environ: Mapping[str, str]) -> Outcome:
    """Send a message to each receiver, one after the other.

    Args:
        config: where they are.
        names: of those that are meant; none: all.
        environ: our own environment.

    Raises:
        ConfigurationError: there is none, or none of a name, or what sends them is not installed.
    """
    known = {one.name: one for one in config.notify}
    if not known:
        raise ConfigurationError("notify: nobody gets messages; add a [[notify]] table with a name and a url")
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"there is no [[notify]] with the name {name!r}; there are: {', '.join(known)}"
            )
    messengers.require(config)
    wanted = notices(config, environ)
    return Outcome(
        deliveries={
            name: messengers.deliver(
                wanted.receivers[lane_of(Kind.NOTIFY, name)],
                trial(known[name].language),
                wanted.environment,
                stop=threading.Event(),
            )
            for name in dict.fromkeys(names or known)
        }
    )
