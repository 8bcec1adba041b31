"""What happens, as values: fit to be shown, named for good."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from okdrop import events
from okdrop.events import Event, UploadEvent, shown

KINDS = [
    kind
    for _, kind in inspect.getmembers(events, inspect.isclass)
    if issubclass(kind, Event) and kind not in {Event, UploadEvent}
]


@given(st.binary())
@example(b"\xff\xfe.mp4")
@example(b"a\nb\x1b[31m.mp4")
@example("\u202egpm.\U0001f600".encode())
@example(b"\xed\xb2\x80")  # a lone surrogate, as no UTF-8 has it
def test_shown_is_printable_whatever_the_name(path: bytes) -> None:
    assert shown(path).isprintable()


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"])))
def test_shown_leaves_what_a_person_can_read(name: str) -> None:
    assert shown(name.encode()) == name


def test_shown_keeps_hostile_names_apart() -> None:
    assert shown(b"a\nb") == r"a\nb"
    assert shown(b"\xff") == r"\xff"
    assert shown("Закат 1.mp4".encode()) == "Закат 1.mp4"


def test_names_are_stable_words_and_no_two_are_equal() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", name) for name in names)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_event_is_a_documented_value_of_plain_facts(kind: type[Event]) -> None:
    own = kind.__dict__.get("__doc__") or ""
    assert own.strip()
    assert not own.startswith(kind.__name__)  # the words of a dataclass without a docstring
    assert kind.level in {"debug", "info", "warning", "error"}
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]  # every dataclass has it
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        assert hints[field.name] in {str, int, float, bool}, field.name
        assert not re.search(r"url|token|secret|key|sig$|signature|password", field.name), field.name


def test_everybody_in_the_audience_hears_everything_in_order() -> None:
    heard: list[str] = []
    audience = events.Audience(lambda event: heard.append(f"first {event.name}"))
    audience.add(lambda event: heard.append(f"second {event.name}"))
    audience(events.OrphanDeleted(video_id="7"))
    assert heard == ["first orphan.deleted", "second orphan.deleted"]
