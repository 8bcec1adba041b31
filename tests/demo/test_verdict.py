"""The verdict is the stand-in's own."""

from __future__ import annotations

from typing import Any

import pytest

from okdrop.demo import verdict


def video(**facts: Any) -> dict[str, Any]:
    return {
        "name": "a.mp4",
        "title": "a",
        "size": 5,
        "segments": 1,
        "max_in_flight": 1,
        "held_bytes_resent": 0,
        "published": True,
        "sha256": "digest",
    } | facts


@pytest.mark.parametrize(
    ("videos", "code", "expected"),
    [
        ([video()], 0, 0),
        ([video(), video(published=False)], 0, 0),
        ([video(sha256="other")], 0, 1),
        ([video(held_bytes_resent=1)], 0, 1),
        ([video(), video()], 0, 1),
        ([video(published=False)], 0, 1),
        ([], 0, 1),
        ([video()], 1, 1),
    ],
)
def test_the_verdict_is_that_of_the_stand_in(
    videos: list[dict[str, Any]], code: int, expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict.report({"a.mp4": "digest"}, videos, code) == expected
    said = capsys.readouterr().out
    assert ("All published, once, byte for byte." in said) is (expected == 0)
