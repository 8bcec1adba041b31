"""Everything that can be made to go wrong: one table, and the value that names one fault of it.

A request is one of the operations `segment` (POST to an upload URL), `status` (GET), or an API method by
its name. A fault strikes the operations of its kind, or the one that its `method` names.
"""

from __future__ import annotations

import dataclasses
import types
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop.emulator.account_forms import FreshForm, StatusForm

if TYPE_CHECKING:
    from collections.abc import Mapping

Value: TypeAlias = bool | int | float | str

SEGMENT: Final = "segment"
STATUS: Final = "status"
API: Final = "api"

ANYWHERE: Final = frozenset({SEGMENT, STATUS, API})
UPLOAD: Final = frozenset({SEGMENT, STATUS})


class UnknownFaultError(ValueError):
    """No such fault, or it cannot be set so; the text lists what there is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table.

    Args:
        does: what happens, for a person.
        on: the operations it strikes when none is named.
        parameters: what can be set beside the trigger; the default gives the type.
        may: the operations it can be pointed at by `method`; as `on` where empty.
        choices: the words a parameter may be.
    """

    does: str
    on: frozenset[str]
    parameters: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    may: frozenset[str] = frozenset()
    choices: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


_SEGMENT: Final = frozenset({SEGMENT})
_STATUS: Final = frozenset({STATUS})
_API: Final = frozenset({API})
_NEVER: Final = 86_400.0

FAULTS: Final[Mapping[str, Kind]] = types.MappingProxyType(
    {
        "cut_after_bytes": Kind(
            "The connection is reset after so many bytes of the body, short of its last; -1: anywhere.",
            _SEGMENT,
            {"bytes": -1},
        ),
        "lost_answer": Kind(
            "Everything is stored, then the connection is reset without an answer.", _SEGMENT
        ),
        "error_500_before_storing": Kind("500, and not a byte is kept.", _SEGMENT, may=ANYWHERE),
        "error_500_after_storing": Kind("500, though it was done.", _SEGMENT, may=frozenset({SEGMENT, API})),
        "error_503": Kind(
            "503 with Retry-After in seconds (-1: without).", UPLOAD, {"retry_after": 1}, may=ANYWHERE
        ),
        "refuse_416": Kind("416, with or without X-Last-Known-Byte.", _SEGMENT, {"last_known_byte": True}),
        "refuse": Kind(
            "A 4xx out of the protocol, by its status; with Retry-After in seconds (-1: without).",
            _SEGMENT,
            {"status": 413, "retry_after": -1},
            may=ANYWHERE,
        ),
        "expire_url": Kind(
            "The upload URL dies, for good, with this status.", _SEGMENT, {"status": 403}, may=UPLOAD
        ),
        "url_dies_on_completion": Kind(
            "The final segment is stored, then the URL answers this status; its own answer may be lost.",
            _SEGMENT,
            {"status": 404, "lose_answer": True},
        ),
        "early_200": Kind("200 for a segment though bytes are missing (protocol.md 7.2).", _SEGMENT),
        "never_200": Kind("201 even for the segment that completes the file (protocol.md 7.1).", _SEGMENT),
        "no_account": Kind("201 without a word of what is held.", _SEGMENT),
        "stale_account": Kind(
            "The account is what it was so many segments ago (protocol.md 7.37).",
            _STATUS,
            {"segments": 1},
            may=UPLOAD,
        ),
        "wrong_account": Kind(
            "The account names bytes that are not held (extra), too few (less), or is one off.",
            _STATUS,
            {"kind": "extra", "bytes": 65_536},
            may=UPLOAD,
            choices={"kind": ("extra", "less", "off-by-one")},
        ),
        "wrong_total": Kind(
            "The account speaks of a file larger by so many bytes.", _STATUS, {"by": 1}, may=UPLOAD
        ),
        "status_form": Kind(
            "Status queries are answered in this form.",
            _STATUS,
            {"form": "auto"},
            choices={"form": tuple(StatusForm)},
        ),
        "fresh_form": Kind(
            "The status of an upload without a byte is answered in this form.",
            _STATUS,
            {"form": "404"},
            choices={"form": tuple(FreshForm)},
        ),
        "stall": Kind(
            "Reading stops after so many bytes, and the line is cut after so many seconds.",
            _SEGMENT,
            {"bytes": 0, "seconds": _NEVER},
        ),
        "stall_answer": Kind(
            "Everything is taken and done, the answer never comes.",
            _SEGMENT,
            {"seconds": _NEVER},
            may=ANYWHERE,
        ),
        "slow": Kind("The body is read at so many bytes a second.", _SEGMENT, {"rate": 65_536.0}),
        "latency": Kind("The answer comes so many seconds later.", ANYWHERE, {"seconds": 0.1}),
        "api_error": Kind(
            "The method answers this error, and does nothing.",
            _API,
            {"code": 1, "message": "", "status": 200},
        ),
        "expire_session": Kind("The access token of the call expires, for good: 102.", _API),
        "lost_api_answer": Kind("The method does its work, then the connection is reset.", _API),
        "garbage": Kind(
            "200 with an HTML page, nothing, half a JSON text, or an error object; nothing is done.",
            _API,
            {"kind": "html"},
            may=ANYWHERE,
            choices={"kind": ("html", "empty", "truncated", "error")},
        ),
        "redirect": Kind(
            "A redirect to this place; nothing is done.",
            _SEGMENT,
            {"status": 302, "location": "/elsewhere.do"},
            may=ANYWHERE,
        ),
        "final_status": Kind(
            "What a processed video's status becomes, instead of OK.",
            frozenset({"processed"}),
            {"status": "ERROR"},
        ),
        "video_status": Kind(
            "video.get tells this status, whatever became of the video.",
            frozenset({"told"}),
            {"status": "ON_MODERATION"},
        ),
    }
)

_TRIGGER: Final[Mapping[str, Value]] = types.MappingProxyType(
    {"times": -1, "after": 0, "probability": 1.0, "method": "", "video": ""}
)


def group_of(operation: str) -> str:
    """The column of the table an operation belongs to: an API method's name becomes `api`."""
    return API if "." in operation else operation


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong; make it with `of` or `parse`.

    Args:
        name: a key of `FAULTS`.
        times: how often it strikes at most; -1 is always.
        after: how many requests that it could strike are let pass first.
        probability: of striking each of the others, by the emulator's seed.
        method: strike this operation alone: `segment`, `status`, or an API method.
        video: strike the uploads of this video id alone.
        parameters: the rest, complete.
    """

    name: str
    times: int
    after: int
    probability: float
    method: str
    video: str
    parameters: Mapping[str, Value]

    @classmethod
    def of(cls, name: str, /, **values: Value) -> Fault:
        """Check a fault against the table.

        Raises:
            UnknownFaultError: no such name or parameter, or a value of another type.
        """
        kind = FAULTS.get(name)
        if kind is None:
            raise UnknownFaultError(f"no fault is called {name!r}; there are: {', '.join(FAULTS)}")
        known = {**_TRIGGER, **kind.parameters}
        complete = dict(known)
        for key, value in values.items():
            if key not in known:
                raise UnknownFaultError(f"{name} has no {key!r}; it has: {', '.join(known)}")
            complete[key] = _coerced(name, key, value, known[key])
            _check_choice(name, key, complete[key], kind.choices.get(key, ()))
        trigger = {key: complete.pop(key) for key in _TRIGGER}
        method = str(trigger["method"])
        if method and group_of(method) not in (kind.may or kind.on):
            raise UnknownFaultError(
                f"{name} cannot strike {method!r}; it can: {', '.join(kind.may or kind.on)}"
            )
        return cls(
            name=name,
            times=int(trigger["times"]),
            after=int(trigger["after"]),
            probability=float(trigger["probability"]),
            method=method,
            video=str(trigger["video"]),
            parameters=types.MappingProxyType(complete),
        )

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read `name` or `name:key=value,key=value`, as a command line gives it.

        Raises:
            UnknownFaultError: it is not of that form, or the table has no such fault.
        """
        name, _, rest = text.strip().partition(":")
        values: dict[str, Value] = {}
        for pair in filter(None, rest.split(",")):
            key, equals, value = pair.partition("=")
            if not equals:
                raise UnknownFaultError(f"{pair!r} is not of the form key=value (in {text!r})")
            values[key.strip()] = value.strip()
        return cls.of(name.strip(), **values)

    def strikes(self, operation: str, video: str) -> bool:
        """Whether it concerns this operation on this video ("" where none is meant)."""
        if self.video and self.video != video:
            return False
        if self.method:
            return self.method in (operation, group_of(operation))
        return group_of(operation) in FAULTS[self.name].on

    def integer(self, key: str) -> int:
        """A parameter that is a whole number."""
        return int(self.parameters[key])

    def number(self, key: str) -> float:
        """A parameter that is a number."""
        return float(self.parameters[key])

    def text(self, key: str) -> str:
        """A parameter that is a text."""
        return str(self.parameters[key])

    def flag(self, key: str) -> bool:
        """A parameter that is true or false."""
        return bool(self.parameters[key])

    def plain(self) -> dict[str, Value]:
        """As JSON has it; `of(**plain)` makes it again."""
        trigger: dict[str, Value] = {key: getattr(self, key) for key in _TRIGGER}
        return {"name": self.name, **trigger, **self.parameters}


_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _coerced(name: str, key: str, value: Value, like: Value) -> Value:
    """The value in the type of `like`."""
    try:
        if isinstance(like, bool):
            return _WORDS[str(value).lower()]
        return type(like)(value)
    except (KeyError, ValueError):
        raise UnknownFaultError(f"{name}: {key} wants a {type(like).__name__}, not {value!r}") from None


def _check_choice(name: str, key: str, value: Value, choices: tuple[str, ...]) -> None:
    if choices and value not in choices:
        raise UnknownFaultError(f"{name}: {key} is one of {', '.join(choices)}, not {value!r}")
