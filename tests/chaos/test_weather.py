"""The storms have every fault of the emulator, and excuse only what a fault makes unknowable."""

from __future__ import annotations

import random

import pytest

from chaos import weather
from okdrop.emulator import FAULTS, Fault, StatusForm


def test_every_fault_is_in_the_storms_or_left_out_with_a_reason() -> None:
    assert set(weather.MENU) | set(weather.LEFT_OUT) == set(FAULTS)
    assert not set(weather.MENU) & set(weather.LEFT_OUT)
    assert all(len(reason.split()) > 3 for reason in weather.LEFT_OUT.values())


@pytest.mark.parametrize("name", weather.MENU)
def test_what_is_drawn_is_a_fault_and_comes_to_an_end(name: str) -> None:
    for seed in range(40):
        fault = Fault.of(name, **dict(weather.strike(name, random.Random(seed)).values))
        assert 0 < fault.times <= 20


def test_no_code_is_drawn_that_is_left_out() -> None:
    drawn = {dict(weather.strike("api_error", random.Random(seed)).values)["code"] for seed in range(300)}
    assert len(drawn) > 5
    assert not drawn & set(weather.LEFT_OUT_CODES)


@pytest.mark.parametrize("name", sorted(set(weather.MENU) - weather.AIMED_AT_SENDING))
def test_a_fault_that_is_not_aimed_costs_nothing(name: str) -> None:
    for seed in range(40):
        struck = weather.strike(name, random.Random(seed))
        assert struck.aim == "sending" or weather.cost(struck, mode="parallel", size=1000) == 0


def test_only_accounts_that_leave_out_what_is_held_cost_anything() -> None:
    def of(form: StatusForm, mode: str) -> int:
        values = (("times", 2), ("form", form))
        return weather.cost(weather.Strike(fault="status_form", values=values), mode=mode, size=1000)

    assert {form for form in StatusForm if of(form, "sequential")} == {
        StatusForm.EMPTY,
        StatusForm.UNKNOWN,
        StatusForm.INTEGER,
    }
    assert of(StatusForm.INTEGER, "sequential") == 2
    assert {form for form in StatusForm if of(form, "parallel")} == {
        StatusForm.EMPTY,
        StatusForm.UNKNOWN,
        StatusForm.INTEGER,
        StatusForm.BODY,
        StatusForm.LAST_KNOWN_BYTE,
    }
