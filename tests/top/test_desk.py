"""Keys, and what they come to."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from okdrop.top.desk import (
    LONGEST_LIMIT,
    Cancel,
    Desk,
    Key,
    Limit,
    Mode,
    Order,
    Pause,
    Pressed,
    Quit,
    Retry,
    pressed,
    selected,
)
from top.making import view

if TYPE_CHECKING:
    from okdrop.top.model import View

VIEW = view(("a.mp4", "b.mp4"))  # 100 and 101 are on their way, 200 and 201 failed, 300 and 301 are queued


def after(*keys: Pressed, desk: Desk | None = None, shown: View = VIEW) -> tuple[Desk, list[Order]]:
    now, orders = desk or Desk(), []
    for key in keys:
        now, order = pressed(key, now, shown)
        orders += [order] if order is not None else []
    return now, orders


def test_q_leaves() -> None:
    assert after("q")[1] == [Quit()]
    assert after("?", "q")[1] == [Quit()]


def test_p_pauses_what_runs_and_lets_go_on_what_is_paused() -> None:
    assert after("p")[1] == [Pause(True)]
    assert after("p", shown=view(paused_since="2026-11-27T11:30:00.000Z"))[1] == [Pause(False)]


def test_the_selection_goes_through_all_in_the_order_of_the_screen_and_stops_at_the_ends() -> None:
    seen = [after(*[Key.DOWN] * times)[0].selected for times in range(8)]
    assert seen == [None, 100, 101, 200, 201, 300, 301, 301]
    assert after(Key.UP)[0].selected == 301
    assert after(Key.DOWN, Key.UP)[0].selected == 100
    assert after(Key.DOWN, Key.ESCAPE)[0].selected is None
    assert after("j", "j", "k")[0].selected == 100


def test_a_selection_stays_with_its_upload_and_goes_when_that_is_gone() -> None:
    desk = Desk(selected=101)
    fewer = dataclasses.replace(VIEW, moving=VIEW.moving[1:])
    found = selected(desk, fewer)
    assert found is not None
    assert found.id == 101
    assert selected(desk, dataclasses.replace(VIEW, moving=())) is None
    assert after("r", "c", desk=desk, shown=dataclasses.replace(VIEW, moving=()))[1] == []


def test_only_a_failed_one_is_retried() -> None:
    assert after("r", desk=Desk(selected=201))[1] == [Retry(201)]
    for number in (None, 100, 300):
        desk, orders = after("r", desk=Desk(selected=number))
        assert not orders
        assert "select" in desk.notice


@pytest.mark.parametrize("number", [100, 200, 300])
def test_an_upload_is_cancelled_after_a_yes_alone(number: int) -> None:
    assert after("c", "y", desk=Desk(selected=number))[1] == [Cancel(number)]
    for no in ("n", "q", "c", Key.ENTER, Key.ESCAPE, Key.DOWN):
        desk, orders = after("c", no, desk=Desk(selected=number))
        assert not orders
        assert (desk.mode, desk.selected) == (Mode.WATCHING, number)


def test_a_limit_is_typed_and_may_be_mended_or_left() -> None:
    assert after("b", *"2MiX", Key.BACKSPACE, *"B/s", Key.ENTER)[1] == [Limit("2MiB/s")]
    assert after("b", *"reset", Key.ENTER)[1] == [Limit(None)]
    assert after("b", *"off", Key.ENTER)[1] == [Limit("off")]
    assert after("b", *"off", Key.ESCAPE)[1] == []
    assert after("b", " ", Key.ENTER)[1] == []
    assert after("b", *"qp", Key.UP)[0].typed == "qp"
    assert len(after("b", *"9" * 2 * LONGEST_LIMIT)[0].typed) == LONGEST_LIMIT


def test_a_notice_goes_with_the_next_key() -> None:
    assert after("x", desk=Desk(notice="it goes on"))[0].notice == ""
