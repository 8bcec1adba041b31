"""The table of what comes next."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.inbox.errand import Place, Step, decide

if TYPE_CHECKING:
    from collections.abc import Callable

PLACES = [*itertools.product(Place, Place, [*Place, None])]
ENDS = {Step.DONE, Step.LEAVE, Step.GONE, Step.AIM_ANEW}


@pytest.mark.parametrize(("source", "caught", "target"), PLACES)
def test_no_step_takes_the_last_name_of_a_content_or_touches_what_is_not_ours(
    source: Place, caught: Place, target: Place | None
) -> None:
    step = decide(source, caught, target)
    if step is Step.DROP:
        assert caught is Place.OURS
        assert target in {Place.OURS, None}
    if step in {Step.LAND, Step.BRING}:
        assert target is Place.NOTHING
    if step in {Step.CATCH, Step.BRING}:
        assert (source, caught) == (Place.OURS, Place.NOTHING)
    if step in ENDS - {Step.AIM_ANEW}:
        assert caught is Place.NOTHING
    if step in {Step.LEAVE, Step.GONE}:
        assert source is not Place.OURS


AFTER_STEP: dict[Step, Callable[[Any, Any, Any], tuple[Any, Any, Any]]] = {
    Step.BRING: lambda source, caught, _target: (source, caught, Place.OURS),  # by a copy
    Step.CATCH: lambda source, _caught, target: (Place.NOTHING, source, target),
    Step.LAND: lambda source, _caught, _target: (source, Place.NOTHING, Place.OURS),
    Step.DROP: lambda source, _caught, target: (source, Place.NOTHING, target),
    Step.PUT_BACK: lambda source, caught, target: (
        caught if source is Place.NOTHING else source,
        Place.NOTHING,
        target,
    ),
    Step.AIM_ANEW: lambda source, caught, _target: (source, caught, Place.NOTHING),
}


@pytest.mark.parametrize(("source", "caught", "target"), PLACES)
def test_from_everywhere_it_comes_to_an_end(source: Place, caught: Place, target: Place | None) -> None:
    places: tuple[Any, Any, Any] = source, caught, target
    for _ in range(6):
        step = decide(*places)
        if step not in AFTER_STEP:
            break
        places = AFTER_STEP[step](*places)
    assert step in ENDS
    if Place.OURS in (source, caught) and target is not None:
        assert places[2] is Place.OURS
