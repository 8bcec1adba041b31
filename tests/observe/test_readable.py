"""Values of a line in words."""

from __future__ import annotations

import pytest

from okdrop.observe.readable import duration_in_words, readable, size_in_words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (65_536, "65.5kB"),
        (999_400, "999kB"),
        (999_600, "1MB"),
        (25_165_824, "25.2MB"),
        (41_943_040_000, "41.9GB"),
        (5_000_000_000_000_000, "5e+03TB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert size_in_words(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (0.0213, "0.021s"),
        (1.0, "1s"),
        (8.04, "8s"),
        (12.3, "12s"),
        (59.6, "1m0s"),
        (250, "4m10s"),
        (3600, "1h0m"),
        (93_780, "26h3m"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration_in_words(seconds) == words


def test_a_line_in_words() -> None:
    line = {"event": "upload.trouble", "size": 2000, "delay": 90.0, "hint": "", "folded": 0, "attempt": 0}
    assert readable(None, "", line) == {
        "event": "upload.trouble",
        "size": "2kB",
        "delay": "1m30s",
        "attempt": 0,
    }
