"""The demonstration's clips, and that each way of dropping them ends in the same bytes."""

from __future__ import annotations

import hashlib
import importlib.resources
from typing import TYPE_CHECKING

import pytest

from okdrop import demo
from okdrop.demo import clips

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


@pytest.mark.parametrize("name", clips.CLIPS)
def test_samples_are_playable(name: str) -> None:
    kinds = [kind for kind, _ in boxes(sample(name))]
    assert kinds[0] == b"ftyp"
    assert {b"moov", b"mdat"} <= set(kinds)


@pytest.mark.parametrize("name", clips.CLIPS)
def test_a_padded_clip_is_the_clip_and_a_box_to_skip(name: str) -> None:
    clip = sample(name)
    grown = clips.padded(clip, len(clip) + 100_000, seed=name)
    assert grown.startswith(clip)
    assert boxes(grown) == [*boxes(clip), (b"free", 100_000)]
    assert grown == clips.padded(clip, len(clip) + 100_000, seed=name)
    assert grown != clips.padded(clip, len(clip) + 100_000, seed="another")


async def test_the_clips_as_they_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "PAUSE", 0.0)
    folder = tmp_path / "drop"
    folder.mkdir()
    await clips.drop(folder)
    files = {file.name: file for file in folder.rglob("*") if file.is_file()}
    found = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    assert found == clips.digests()
    assert {file.stat().st_size for file in files.values()} == {size for _, size in clips.CLIPS.values()}
