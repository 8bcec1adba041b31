from __future__ import annotations

import signal

import pytest

from chaos.keeper import is_well

KILLED, TERMINATED = -signal.SIGKILL, -signal.SIGTERM


@pytest.mark.parametrize(
    ("code", "asked", "circumstances"),
    [
        (0, "TERM", ""),
        (KILLED, "KILL", ""),
        (0, "KILL", "once"),  # it had ended by then
        (TERMINATED, "TERM", "fresh"),
        (0, "", "once"),
        (1, "", "once"),
        (3, "", "once"),
        (2, "", "disk"),
        (2, "TERM", "disk"),
    ],
)
def test_what_a_process_may_end_with(code: int, asked: str, circumstances: str) -> None:
    assert is_well(code, asked=asked, **_flags(circumstances))


@pytest.mark.parametrize(
    ("code", "asked", "circumstances"),
    [
        (0, "", ""),  # a daemon that stays does not end by itself
        (1, "TERM", ""),
        (1, "", ""),
        (2, "", "once"),
        (3, "", ""),
        (1, "", "disk"),
        (1, "KILL", ""),
        (130, "TERM", ""),
        (TERMINATED, "TERM", ""),
        (-signal.SIGSEGV, "KILL", "once"),
    ],
)
def test_what_a_process_may_not_end_with(code: int, asked: str, circumstances: str) -> None:
    assert not is_well(code, asked=asked, **_flags(circumstances))


def _flags(circumstances: str) -> dict[str, bool]:
    return {name: name == circumstances for name in ("once", "fresh", "disk")}
