"""The same bug is told once in a while, with how often it was met; another one at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okdrop.web import troubles
from okdrop.web.troubles import EVERY, Troubles

if TYPE_CHECKING:
    from okdrop import events


def test_what_is_the_same_is_told_once_in_a_while_with_how_often_it_was() -> None:
    told: list[events.Event] = []
    now = [100.0]
    kept = Troubles(lambda: now[0], told.append)
    for _ in range(60):
        kept.tell("POST /login", "LookupError in post, line 1")
    kept.tell("GET /", "LookupError in post, line 1")
    assert len(told) == 2
    now[0] += EVERY
    kept.tell("POST /login", "LookupError in post, line 1")
    assert "(59 times more since it was told last)" in str(told[2])
    now[0] += EVERY
    kept.tell("POST /login", "LookupError in post, line 1")
    assert "times more" not in str(told[3])


def test_what_is_remembered_is_bounded() -> None:
    kept = Troubles(lambda: 0.0, lambda _event: None)
    for number in range(troubles.REMEMBERED + 5):
        kept.tell("GET /", f"{number}")
    assert len(kept._told) == troubles.REMEMBERED
