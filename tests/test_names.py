"""Which names are taken and which are passed over, and by which pattern."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okdrop.names import Names

NAMES = Names((".mp4", "MKV"), ("*.part", "[!a]*~", "@eaDir"))


@pytest.mark.parametrize("name", ["a.mp4", "A.MP4", "a.b.mkv", ".hidden.mp4", "\udcff.Mp4"])
def test_a_suffix_counts_in_any_case_and_with_or_without_its_dot(name: str) -> None:
    assert NAMES.is_video(name)
    assert NAMES.takes(name)


@pytest.mark.parametrize("name", ["a.txt", "mp4", ".mp4", "amp4", "a.mp4.part", ""])
def test_no_other_name_is_a_video(name: str) -> None:
    assert not NAMES.is_video(name)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("x.PART", "*.part"), ("bc.mp4~", "[!a]*~"), ("abc.mp4~", None), ("@EADIR", "@eaDir"), ("a.mp4", None)],
)
def test_the_pattern_that_passes_a_name_over_is_named(name: str, pattern: str | None) -> None:
    assert NAMES.ignoring(name) == pattern
    assert NAMES.ignores(name) is (pattern is not None)


def test_a_star_takes_every_name_that_is_not_ignored() -> None:
    names = Names(("*",), (".*",))
    assert names.takes("README")
    assert names.is_video(".README")
    assert not names.takes(".README")


def test_a_probe_of_ours_is_passed_over_whatever_is_configured() -> None:
    for names in (Names(("*",), ()), NAMES):
        assert not names.takes(".okdrop-probe-x1y2z3")
        assert names.ignores(".okdrop-probe-")
    assert Names(("*",), ()).ignoring(".okdrop-probe-x1") == ".okdrop-probe-*"
    assert not Names(("*",), ()).ignores(".okdrop-here")


def test_without_patterns_nothing_is_ignored() -> None:
    assert not Names(("mp4",), ()).ignores(".a.mp4")


@given(st.binary(min_size=1, max_size=40).filter(lambda name: not {0, 47} & set(name)))
def test_no_name_breaks_the_judgement(name: bytes) -> None:
    text = os.fsdecode(name)
    assert NAMES.takes(text + ".mp4")
    assert NAMES.ignoring(text + ".part") == "*.part"
