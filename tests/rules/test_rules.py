"""What is taken and what is left, by path, size and age."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.rules import EVERYTHING, Patterns, Rule, Rules

NOW = 1_800_000_000.0
SECOND = 10**9


def by_facts(rules: Rules, *, size: int = 0, age: float = 0.0) -> Rule | None:
    left = rules.left_by_facts(size=size, mtime_ns=int((NOW - age) * SECOND), now=NOW)
    return left.rule if left is not None else None


def by_path(rules: Rules, path: str) -> Rule | None:
    left = rules.left_by_path(path)
    return left.rule if left is not None else None


@given(st.text(), st.integers(0, 2**63), st.integers(-(2**70), 2**70))
def test_without_rules_nothing_is_left(path: str, size: int, mtime_ns: int) -> None:
    assert EVERYTHING.left_by_path(path) is None
    assert EVERYTHING.left_by_facts(size=size, mtime_ns=mtime_ns, now=NOW) is None


@pytest.mark.parametrize(
    ("size", "rule"),
    [(9, Rule.MIN_SIZE), (10, None), (20, None), (21, Rule.MAX_SIZE)],
)
def test_both_ends_of_the_sizes_are_taken(size: int, rule: Rule | None) -> None:
    assert by_facts(Rules(min_size=10, max_size=20), size=size) is rule


@pytest.mark.parametrize(
    ("age", "rule"),
    [(59, Rule.MIN_AGE), (60, None), (3600, None), (3601, Rule.MAX_AGE), (10**12, Rule.MAX_AGE)],
)
def test_both_ends_of_the_ages_are_taken(age: float, rule: Rule | None) -> None:
    assert by_facts(Rules(min_age=60, max_age=3600), age=age) is rule


def test_a_file_of_the_future_has_age_0() -> None:
    assert by_facts(Rules(max_age=1), age=-(10**6)) is None
    assert by_facts(Rules(min_age=1), age=-(10**6)) is Rule.MIN_AGE


def test_what_was_found_in_time_grows_too_old_no_more() -> None:
    rules = Rules(min_age=60, max_age=3600, min_size=10).once_found
    assert by_facts(rules, size=10, age=10**6) is None
    assert by_facts(rules, size=10, age=59) is Rule.MIN_AGE
    assert by_facts(rules, size=9, age=10**6) is Rule.MIN_SIZE


def test_what_is_left_is_left_though_it_is_taken() -> None:
    rules = Rules(take=Patterns(["*.mp4"]), leave=Patterns(["raw/"]))
    assert by_path(rules, "a.mp4") is None
    assert by_path(rules, "a.mkv") is Rule.TAKE
    assert by_path(rules, "raw/a.mp4") is Rule.LEAVE


def test_a_folder_is_left_only_by_leave_since_what_lies_in_it_may_be_taken() -> None:
    assert by_path(Rules(take=Patterns(["deep/*.mp4"])), "deep/") is None
    assert by_path(Rules(leave=Patterns(["deep"])), "deep/") is Rule.LEAVE


def test_the_reason_names_the_pattern() -> None:
    left = Rules(leave=Patterns(["*.mov", "raw/"])).left_by_path("raw/a.mp4")
    assert left is not None
    assert left.reason == 'the pattern "raw/" of `leave` matches it'


sizes = st.integers(0, 100)


@given(sizes, sizes, sizes, sizes, sizes)
def test_narrower_rules_never_take_more(size: int, low: int, high: int, less: int, more: int) -> None:
    wide = Rules(min_size=low, max_size=high)
    narrow = Rules(min_size=low + less, max_size=max(0, high - more))
    assert by_facts(narrow, size=size) is not None or by_facts(wide, size=size) is None
