"""The faults of the emulator in a storm: how each is drawn, and what it may cost.

Every fault of the table is in `MENU` or, with a reason, in `LEFT_OUT`. All are bounded by `times`, so that
none makes success impossible for ever. What a fault costs is bytes that the host held and was sent again:
nothing, but for the few in `cost`, where the host itself says less than it holds. Those are aimed at one
video, and no other may profit from the excuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from chaos.plan import Strike
from okdrop.emulator import StatusForm

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from chaos.plan import Value

Values: TypeAlias = dict[str, "Value"]
Draw: TypeAlias = "Callable[[random.Random], Values]"

LEFT_OUT: Final[Mapping[str, str]] = {}
"""Fault → why no storm has it."""

LEFT_OUT_CODES: Final[Mapping[int, str]] = {
    300: "as a lie ('no such video') it leaves a whole video behind that nobody may delete; "
    "tests/pipeline/test_finalizer.py has it",
}
"""Code of `api_error` → why no storm has it."""

PASSING: Final = (1, 2, 12, 9999)
HALTING: Final = (10, 102, 103, 200)
UPDATE: Final = "video.update"
TICKET: Final = "video.getUploadUrl"
ASK: Final = "video.get"


def _times(chance: random.Random, most: int) -> Values:
    return {"times": chance.randint(1, most), "after": chance.choice((0, 0, 1, 3))}


def _plain(most: int) -> Draw:
    return lambda chance: _times(chance, most)


def _one_of(most: int, **choices: tuple[Value, ...]) -> Draw:
    return lambda chance: (
        _times(chance, most) | {key: chance.choice(values) for key, values in choices.items()}
    )


def _api_error(chance: random.Random) -> Values:
    code, method, most = chance.choice(
        (
            *((code, chance.choice((UPDATE, TICKET, ASK)), 3) for code in PASSING),
            *((code, chance.choice((UPDATE, TICKET)), 2) for code in HALTING),
            (100, UPDATE, 3),  # not taken yet
            (100, TICKET, 1),  # a bad file: final, until a person says retry
            (454, UPDATE, 1),  # a refused text: the same
        )
    )
    return _times(chance, most) | {"code": code, "method": method}


def _cut(chance: random.Random) -> Values:
    return _times(chance, 5) | {"bytes": chance.choice((-1, -1, 0, 20_000))}


MENU: Final[Mapping[str, Draw]] = {
    "cut_after_bytes": _cut,
    "lost_answer": _plain(4),
    "error_500_before_storing": _one_of(4, method=("segment", "segment", "status", TICKET, UPDATE)),
    "error_500_after_storing": _one_of(3, method=("segment", "segment", TICKET, UPDATE)),
    "error_503": _one_of(3, retry_after=(0, 0, 1), method=("segment", "status", TICKET, UPDATE)),
    "refuse_416": _one_of(2, last_known_byte=(True, False)),
    "refuse": _one_of(2, status=(413, 412, 409)),
    "expire_url": _one_of(1, status=(400, 403, 404, 410), method=("segment", "status")),
    "url_dies_on_completion": _one_of(2, status=(404, 403, 410), lose_answer=(True, False)),
    "early_200": _plain(3),
    "never_200": _plain(3),
    "no_account": _plain(6),
    "stale_account": _one_of(2, segments=(1, 2), method=("status", "status", "segment")),
    "wrong_account": _one_of(
        2, kind=("extra", "less", "off-by-one"), bytes=(65_536, 1000), method=("status", "status", "segment")
    ),
    "wrong_total": _one_of(2, by=(1, -1, 100_000), method=("status", "segment")),
    "status_form": _one_of(4, form=tuple(StatusForm)),
    "fresh_form": _one_of(6, form=("404", "416", "200")),
    "stall": _one_of(2, bytes=(0, 30_000), seconds=(3.0,)),
    "stall_answer": _one_of(2, seconds=(3.0,), method=("segment", "segment", "status", TICKET, UPDATE)),
    "slow": _one_of(20, rate=(40_000.0, 120_000.0)),
    "latency": _one_of(20, seconds=(0.05, 0.3)),
    "api_error": _api_error,
    "expire_session": lambda _: {"times": 1},
    "lost_api_answer": _one_of(2, method=(TICKET, UPDATE, ASK, "video.delete")),
    "garbage": _one_of(
        3,
        kind=("html", "empty", "truncated", "error"),
        method=("segment", "status", TICKET, ASK),
    ),
    "redirect": _one_of(2, status=(302, 307), method=("segment", "status", UPDATE)),
    "final_status": _one_of(1, status=("ERROR", "CENSORED")),
    "video_status": _one_of(3, status=("ON_MODERATION", "PROCESSING", "UNAVAILABLE")),
}

AIMED_AT_SENDING: Final = frozenset({"stale_account", "wrong_account", "wrong_total", "status_form"})
"""Lies about what is held: each concerns one video, which may cost something then."""

AIMED_AT_WHOLE: Final = frozenset({"final_status", "video_status"})
"""Words about a video that is whole: told of another one, they would deny what is not there yet."""

REFUSALS: Final = frozenset({"final_status"})
"""Faults after which the video stays refused."""

UNBOUNDED_BY_ITSELF: Final = frozenset({"expire_session"})
"""Their effect stays until the storm ends it: a dead token is replaced."""

LOSES_A_TICKET: Final = frozenset(
    {"lost_api_answer", "error_500_after_storing", "stall_answer", "garbage", "redirect", "latency"}
)
"""Faults that may keep back the answer to video.getUploadUrl."""

_WITHOUT_ISLANDS: Final = frozenset({StatusForm.BODY, StatusForm.LAST_KNOWN_BYTE, StatusForm.INTEGER})
_WITHOUT_A_WORD: Final = frozenset({StatusForm.EMPTY, StatusForm.UNKNOWN})


def strike(name: str, chance: random.Random) -> Strike:
    """Draw the parameters of a fault."""
    values = MENU[name](chance)
    lies = name in AIMED_AT_SENDING or _is_wordless(name, values)
    aim = "sending" if lies else "whole" if name in AIMED_AT_WHOLE else ""
    return Strike(fault=name, values=tuple(values.items()), aim=aim)


def _is_wordless(name: str, values: Mapping[str, Value]) -> bool:
    """An empty answer to "what do you hold?" reads as "nothing", as `status_form` empty does."""
    return name == "garbage" and values.get("kind") == "empty" and values.get("method") == "status"


def cost(struck: Strike, *, mode: str, size: int) -> int:
    """How many held bytes of the video it is aimed at a fault may have sent again, at most.

    Only where an account leaves out what is held: the whole of that, each time. In the sequential mode there
    is nothing behind a gap, and a bare integer costs one byte (`tests/e2e/test_kills.py`).
    """
    values = dict(struck.values)
    times = int(values.get("times", 1))
    if values.get("method") == "segment":
        return 0  # the answer to a segment is compared with it, and doubted
    match struck.fault:
        case "stale_account":
            return times * size
        case "garbage" if _is_wordless("garbage", values):
            return times * size
        case "wrong_account":
            return times * {"less": size, "off-by-one": 1}.get(str(values["kind"]), 0)
        case "status_form":
            return times * _of_form(StatusForm(str(values["form"])), mode, size)
        case _:
            return 0


def _of_form(form: StatusForm, mode: str, size: int) -> int:
    if form in _WITHOUT_A_WORD or (form in _WITHOUT_ISLANDS and mode == "parallel"):
        return size
    return 1 if form is StatusForm.INTEGER else 0
