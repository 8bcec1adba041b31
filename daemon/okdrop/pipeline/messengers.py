"""Has a message sent to a person: by a process of its own (`okdrop.messenger`), which is ended when it hangs.

Apprise has its own code for a hundred services, blocks, and keeps what it imports. So it lives for one
message each, with its own time, and what it does wrong ends with it. It is optional: `okdrop[notify]`.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import okdrop
from okdrop import hooks
from okdrop.errors import ConfigurationError
from okdrop.pipeline.rhythm import EVERY_TIME, Rhythm

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from okdrop.config import Config
    from okdrop.config.notify import Language
    from okdrop.pipeline.letters import Letter

_MESSENGER: Final = Path(okdrop.__file__).with_name("messenger.py")
_PACKAGE: Final = "apprise"

_OVERTIME: Final = 2 * hooks.GRACE
"""Seconds beyond its time after which it ends itself: then nobody who could have ended it is there."""

_FINAL: Final = {
    "unknown": "Apprise makes nothing of its url: look at how it writes addresses of this service",
    "plain": "its url would have words and token go without TLS; take the form that has it (ntfys://, jsons://,"
    " mailtos://), or put something that speaks TLS before it",
    "unverified": "its url has the TLS certificate not verified; take that out, and see network.ca_file",
}
"""What no further try mends, and what to do."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Who gets messages.

    Attributes:
        url: where, as Apprise writes it; it is a secret.
        language: of the messages.
        rhythm: how often, and when.
        timeout: seconds for one message.
        within: seconds from an event on after which it is not told any more.
        tries: how often it is tried at most.
        proxy: an HTTP proxy, or "".
        ca_file: further authorities, or "".
    """

    url: str = dataclasses.field(repr=False)
    language: Language
    rhythm: Rhythm = EVERY_TIME
    timeout: float = 30.0
    within: float = 86_400.0
    tries: int = 100
    proxy: str = dataclasses.field(default="", repr=False)
    ca_file: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What came of a message, or of a look at where it would go.

    Attributes:
        well: it was sent, or could be.
        said: what came of it, for a person; holds no secret.
        final: another try would come to the same.
    """

    well: bool
    said: str
    final: bool = False


def require(config: Config) -> None:
    """See that what messages need is there, where any are configured.

    Raises:
        ConfigurationError: it is not.
    """
    if config.notify and importlib.util.find_spec(_PACKAGE) is None:
        raise ConfigurationError(
            f"notify[0]: needs the package {_PACKAGE}, which is not installed",
            hint="install it where okdrop is, with: pip install 'okdrop[notify]' (or apprise);"
            " or take [[notify]] out",
        )


def deliver(
    receiver: Receiver, letter: Letter, environment: Mapping[str, str], *, stop: threading.Event
) -> Delivered:
    """Send a message. Blocking, for a thread, and no longer than the receiver's time.

    Args:
        receiver: to whom.
        letter: what.
        environment: what of our own environment the process gets.
        stop: set: it is ended.
    """
    said = {"title": letter.title, "body": letter.body, "kind": letter.kind}
    return _carried_out(receiver, said, environment, stop)


def look(receiver: Receiver, environment: Mapping[str, str], *, stop: threading.Event) -> Delivered:
    """Say whether messages could go there, without sending any. Blocking, as `deliver` is."""
    return _carried_out(receiver, {}, environment, stop)


def _carried_out(
    receiver: Receiver, said: Mapping[str, str], environment: Mapping[str, str], stop: threading.Event
) -> Delivered:
    wanted = {
        "url": receiver.url,
        "path": _places(),
        "proxy": receiver.proxy,
        "ca_file": receiver.ca_file,
        "parent": os.getpid(),
        "seconds": receiver.timeout + _OVERTIME,
        **said,
    }
    ran = hooks.run(
        (sys.executable, "-I", str(_MESSENGER)),
        environment={os.fsencode(name): os.fsencode(value) for name, value in environment.items()},
        document=json.dumps(wanted).encode(),
        timeout=receiver.timeout,
        stop=stop,
    )
    answer = _answer_of(ran.output)
    if ran.well and answer is not None:
        return _delivered(answer)
    came_to_an_end = ran.code is not None and ran.code >= 0 and not ran.overdue and not ran.stopped
    words = f"crashed ({ran.said})" if came_to_an_end else ran.said
    return Delivered(well=False, said=f"the messenger {words}")


def _places() -> list[str]:
    """Where packages are. The working directory is none, though `python -m okdrop` names it.

    Who may write there shall not say what the messenger runs.
    """
    here = os.path.realpath("/proc/self/cwd")
    return [place for place in sys.path if place.startswith("/") and os.path.realpath(place) != here]


def _answer_of(output: str) -> dict[str, Any] | None:
    try:
        answer = json.loads(output)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _delivered(answer: Mapping[str, Any]) -> Delivered:
    verdict, service, why = (str(answer.get(key, "")) for key in ("verdict", "service", "why"))
    match verdict:
        case "sent":
            return Delivered(well=True, said=f"{service} took it")
        case "fit":
            return Delivered(well=True, said=service)
        case "absent":
            return Delivered(well=False, said=f"the package {_PACKAGE} cannot be imported")
        case "broken":
            return Delivered(well=False, said=f"a bug, in Apprise's part for this service or ours: {why}")
        case _ if verdict in _FINAL:
            return Delivered(well=False, said=_FINAL[verdict], final=True)
        case _:
            return Delivered(well=False, said=f"{service}: {why or 'did not take it'}")
