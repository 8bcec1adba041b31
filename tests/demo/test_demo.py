"""The demonstration's clips and its verdict."""

from __future__ import annotations

import hashlib
import importlib.resources
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import demo

if TYPE_CHECKING:
    from pathlib import Path

HEADER = 8


def boxes(clip: bytes) -> list[tuple[bytes, int]]:
    """The top-level boxes of an MP4 and their sizes (ISO/IEC 14496-12, 4.2)."""
    found, at = [], 0
    while at < len(clip):
        size, kind = int.from_bytes(clip[at : at + 4], "big"), clip[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(clip[at + 8 : at + 16], "big")
        assert size >= HEADER, kind
        found.append((kind, size))
        at += size
    assert at == len(clip)
    return found


def sample(name: str) -> bytes:
    return (importlib.resources.files(demo) / "samples" / name).read_bytes()


@pytest.mark.parametrize("name", demo.CLIPS)
def test_samples_are_playable(name: str) -> None:
    kinds = [kind for kind, _ in boxes(sample(name))]
    assert kinds[0] == b"ftyp"
    assert {b"moov", b"mdat"} <= set(kinds)


@pytest.mark.parametrize("name", demo.CLIPS)
def test_a_padded_clip_is_the_clip_and_a_box_to_skip(name: str) -> None:
    clip = sample(name)
    grown = demo.padded(clip, len(clip) + 100_000, seed=name)
    assert grown.startswith(clip)
    assert boxes(grown) == [*boxes(clip), (b"free", 100_000)]
    assert grown == demo.padded(clip, len(clip) + 100_000, seed=name)
    assert grown != demo.padded(clip, len(clip) + 100_000, seed="another")


def test_the_clips_as_they_are_dropped(tmp_path: Path) -> None:
    digests = demo.drop_clips(tmp_path)
    files = {file.name: file for file in tmp_path.rglob("*.mp4")}
    assert digests == {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    assert {file.stat().st_size for file in files.values()} == {size for _, size in demo.CLIPS.values()}


def test_the_environment_is_the_demonstrations_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OKDROP_OK__ACCESS_TOKEN", "the caller's own")
    monkeypatch.setenv("OKDROP_CONFIG", "/etc/okdrop/okdrop.toml")
    told = demo.environment(tmp_path, "http://127.0.0.1:1")
    assert "the caller's own" not in told.values()
    assert "OKDROP_CONFIG" not in told
    assert told["OKDROP_OK__API_URL"] == "http://127.0.0.1:1"


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
    ("videos", "code", "verdict"),
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
    videos: list[dict[str, Any]], code: int, verdict: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.report({"a.mp4": "digest"}, videos, code) == verdict
    said = capsys.readouterr().out
    assert ("All published, once, byte for byte." in said) is (verdict == 0)
