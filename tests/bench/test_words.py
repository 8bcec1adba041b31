from __future__ import annotations

import pytest

from bench import words
from bench.figures import Figure, Spread, Unit


@pytest.mark.parametrize(
    ("text", "count"), [("64MiB", 64 << 20), ("1 GiB", 1 << 30), ("512", 512), ("3KiB", 3072), ("7B", 7)]
)
def test_sizes_are_read(text: str, count: int) -> None:
    assert words.size_of(text) == count


@pytest.mark.parametrize("text", ["", "MiB", "1MB", "-1", "1.5GiB"])
def test_what_is_no_size_is_not_guessed_at(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        words.size_of(text)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.954, Unit.SHARE, "95.4 %"),
        (1.254, Unit.TIMES, "1.25 ×"),
        (88.71, Unit.MEBIBYTES, "88.7 MiB"),
        (0.0, Unit.BYTES, "0 bytes"),
        (2.5 * 1024**2, Unit.BYTES_PER_SECOND, "2.5 MiB/s"),
        (4.0, Unit.COUNT, "4"),
        (0.1234, Unit.SECONDS, "0.123 s"),
    ],
)
def test_numbers_are_short_and_have_their_unit(value: float, unit: Unit, text: str) -> None:
    assert words.number(value, unit) == text


def test_a_spread_names_its_unit_once() -> None:
    assert words.spread(Spread.of([1.0, 2.0, 3.0]), Unit.TIMES) == "1.50 to 2.50 ×, of 3"
    assert words.spread(Spread.of([0.5]), Unit.SHARE) == "1"


@pytest.mark.parametrize(
    ("aim", "at_least", "text"),
    [(None, True, ""), (0.0, False, "0"), (1.0, True, "≥ 1.00 ×"), (1.5, False, "≤ 1.50 ×")],
)
def test_an_aim_says_which_way(aim: float | None, text: str, *, at_least: bool) -> None:
    figure = Figure(row="a", name="b", value=Spread.of([1.0]), unit=Unit.TIMES, aim=aim, at_least=at_least)
    assert words.aim(figure) == text


def test_bytes_are_said_in_their_largest_unit() -> None:
    assert [words.sized(count) for count in (512, 1 << 20, 5 << 29)] == ["512 bytes", "1 MiB", "2.5 GiB"]
